"""Searching for other visits of a person: boxes of the query's own visit are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmps.formats.ground_truth import NO_VISIT, GroundTruth
from mmps.formats.predictions import SortedBoxes

from ..functional.matching import (
    best_of_each,
    paired_iou,
    pairs_within_groups,
    size_aware_thresholds,
)
from ..search import Judge


@dataclass(frozen=True, eq=False)
class OtherVisits:
    """A judge for whom boxes of the query's own visit are neither right nor wrong.

    Attributes:
        judge: Finds the hits among the other boxes.
        visits: ``(N,)`` visit of each detection, ``NO_VISIT`` where it is on nobody with a visit.
        query_visits: ``(Q,)`` visits, all known.
    """

    judge: Judge
    visits: np.ndarray
    query_visits: np.ndarray

    def hits(
        self, block: slice, similarities: np.ndarray, boxes: SortedBoxes
    ) -> tuple[np.ndarray, np.ndarray]:
        """Drop the boxes of the query's visit, then find the hits.

        Args:
            block: Positions of the queries.
            similarities: ``(B, N)``, set to ``-inf`` where a box is dropped.
            boxes: Boxes of all images.
        """
        own = self.visits == self.query_visits[block, None]
        np.copyto(similarities, -np.inf, where=own)
        queries, members = self.judge.hits(block, similarities, boxes)
        kept = ~own[queries, members]
        return queries[kept], members[kept]

    def same_person(self, block: slice, boxes: SortedBoxes) -> tuple[np.ndarray, np.ndarray]:
        """Find all boxes on the query's person in other visits.

        Args:
            block: Positions of the queries.
            boxes: Boxes of all images.
        """
        queries, members = self.judge.same_person(block, boxes)
        kept = self.visits[members] != self.query_visits[block][queries]
        return queries[kept], members[kept]


def visits_of_boxes(ground_truth: GroundTruth, boxes: SortedBoxes) -> np.ndarray:
    """Find the visit that each box shows.

    A box shows the annotated person whom it overlaps most, if it covers this person as a hit does
    (size-aware IoU threshold).

    Args:
        ground_truth: With visits.
        boxes: ``N`` boxes of all images.

    Returns:
        ``(N,)`` visits, ``NO_VISIT`` where a box is on nobody who has one.
    """
    people = np.flatnonzero(ground_truth.people)
    items, members = pairs_within_groups(ground_truth.images[people], boxes.offsets)
    annotations = people[items]
    overlaps = paired_iou(ground_truth.bboxes[annotations], boxes.bboxes[members])
    enough = overlaps >= size_aware_thresholds(ground_truth.bboxes)[annotations]
    annotations, members, overlaps = annotations[enough], members[enough], overlaps[enough]
    order = np.argsort(members, kind='stable')
    best = best_of_each(members[order], overlaps[order], len(boxes))
    found = np.full(len(boxes), NO_VISIT, dtype=np.int64)
    shown = best >= 0
    found[shown] = ground_truth.visits[annotations[order[best[shown]]]]
    return found
