"""Annotated boxes that a search looks for, and the detections that hit them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmps.formats.predictions import SortedBoxes

from .functional.matching import (
    best_of_each,
    one_to_one,
    paired_iou,
    pairs_within_groups,
    repeated_pairs,
    size_aware_thresholds,
)


@dataclass(frozen=True, eq=False)
class Targets:
    """Boxes of the query people in the galleries, sorted by query.

    Attributes:
        queries: ``(T,)`` position of the query in the search, ascending.
        images: ``(T,)`` position of the image.
        bboxes: ``(T, 4)`` xyxy in original pixels.
    """

    queries: np.ndarray
    images: np.ndarray
    bboxes: np.ndarray

    @classmethod
    def sort(cls, queries: np.ndarray, images: np.ndarray, bboxes: np.ndarray) -> Targets:
        """Build targets in any order.

        Args:
            queries: ``(T,)`` position of the query in the search.
            images: ``(T,)`` position of the image.
            bboxes: ``(T, 4)`` xyxy in original pixels.
        """
        order = np.argsort(queries, kind='stable')
        return cls(queries[order], images[order], bboxes[order])

    def of_queries(self, block: slice) -> Targets:
        """Keep the targets of consecutive queries, which then count from 0.

        Args:
            block: Positions of the queries.
        """
        kept = slice(*np.searchsorted(self.queries, [block.start, block.stop]))
        return Targets(self.queries[kept] - block.start, self.images[kept], self.bboxes[kept])

    def covering(self, boxes: SortedBoxes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find the detections that cover a target well enough (size-aware IoU threshold).

        Args:
            boxes: Boxes of all images.

        Returns:
            ``(P,)`` targets, ascending, ``(P,)`` detections, ascending within each target, and
            ``(P,)`` IoU.
        """
        items, members = pairs_within_groups(self.images, boxes.offsets)
        overlaps = paired_iou(self.bboxes[items], boxes.bboxes[members])
        enough = overlaps >= size_aware_thresholds(self.bboxes)[items]
        return items[enough], members[enough], overlaps[enough]

    def hits(
        self, block: slice, similarities: np.ndarray, boxes: SortedBoxes
    ) -> tuple[np.ndarray, np.ndarray]:
        """Choose for each target the most similar box that covers it.

        Two targets of a query in one image never share a box.

        Args:
            block: Positions of the queries.
            similarities: ``(B, N)`` of these queries.
            boxes: Boxes of all images.

        Returns:
            ``(H,)`` query of each hit within the block, ascending, and ``(H,)`` its detection.
        """
        targets = self.of_queries(block)
        items, members, overlaps = targets.covering(boxes)
        values = similarities[targets.queries[items], members]
        hits = np.full(len(targets.queries), -1, dtype=np.int64)
        best = best_of_each(items, values, len(hits))
        hits[best >= 0] = members[best[best >= 0]]
        for twins in repeated_pairs(targets.queries, targets.images):
            hits[twins] = -1
            pairs = np.isin(items, twins)
            chosen = one_to_one(items[pairs], members[pairs], values[pairs], overlaps[pairs])
            hits[list(chosen)] = list(chosen.values())
        return targets.queries[hits >= 0], hits[hits >= 0]

    def same_person(self, block: slice, boxes: SortedBoxes) -> tuple[np.ndarray, np.ndarray]:
        """Find all boxes on the query's person, hits or not.

        Args:
            block: Positions of the queries.
            boxes: Boxes of all images.

        Returns:
            ``(P,)`` query within the block, ascending, and ``(P,)`` detection.
        """
        targets = self.of_queries(block)
        items, members, _ = targets.covering(boxes)
        return targets.queries[items], members
