"""PRW, by the rule of its authors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions, SortedBoxes
from mmps.registry import TASK_UTILS
from mmps.structures import is_labelled

from ..functional.matching import pairs_within_groups
from ..functional.prw_official import (
    JUNK,
    assign_identities,
    rank_hits_trapezoid,
)
from ..search import SearchPlan, SearchTask
from .base import Findable, Plans, SearchProtocol, as_tuple, thresholds
from .conventions import of_convention
from .findable import require_cameras


@dataclass(frozen=True, eq=False)
class AssignedIdentities:
    """SortedBoxes with identities, and whom each query looks for.

    Attributes:
        identities: ``(N,)`` identity of each detection, ``JUNK`` or ``BACKGROUND``.
        cameras: ``(N,)`` camera of each detection.
        kept: ``(N,)`` true for detections that are searched.
        query_person_ids: ``(Q,)``.
        query_cameras: ``(Q,)``.
    """

    identities: np.ndarray
    cameras: np.ndarray
    kept: np.ndarray
    query_person_ids: np.ndarray
    query_cameras: np.ndarray

    def hits(
        self, block: slice, similarities: np.ndarray, boxes: SortedBoxes
    ) -> tuple[np.ndarray, np.ndarray]:
        """Take the boxes of the person in other cameras; drop junk and the same camera's boxes.

        Args:
            block: Positions of the queries.
            similarities: ``(B, N)``, set to ``-inf`` where a box is dropped.
            boxes: Boxes of all images.
        """
        del boxes
        same_person = self._same_person(block)
        same_camera = self.cameras == self.query_cameras[block, None]
        dropped = (same_person & same_camera) | (self.identities == JUNK) | ~self.kept
        np.copyto(similarities, -np.inf, where=dropped)
        return np.nonzero(same_person & ~dropped)

    def same_person(self, block: slice, boxes: SortedBoxes) -> tuple[np.ndarray, np.ndarray]:
        """Find the boxes on the query's person.

        Args:
            block: Positions of the queries.
            boxes: Boxes of all images.
        """
        del boxes
        return np.nonzero(self._same_person(block))

    def _same_person(self, block: slice) -> np.ndarray:
        return self.identities == self.query_person_ids[block, None]


@TASK_UTILS.register_module()
class PRWOfficialProtocol(SearchProtocol):
    """Search each query among the boxes of other cameras, junk left out.

    Zheng et al., *Person Re-identification in the Wild*, CVPR 2017, and their code: boxes of the
    same camera stay as wrong boxes unless they show the query's person; missed people count; the
    average precision is taken by trapezia over the first 1,000 places.

    Args:
        boxes_per_image: Also search among the best boxes, so many per image on average.
        convention: ``legacy`` repeats the authors' code: identities are given before boxes are cut
            by score, whatever sets the cut, and images without a detection miss nobody.
            ``strict`` cuts first and counts everybody.
        searcher: Config of the ``mmps.Searcher``.

    Raises:
        ConfigError: There is no such convention.
    """

    name = 'prw_official'
    ks = (1, 5, 10, 20)
    across_cameras = True

    def __init__(
        self,
        boxes_per_image: Sequence[float] = (),
        convention: str = 'legacy',
        searcher: dict | None = None,
    ) -> None:
        super().__init__(convention, searcher)
        self.boxes_per_image = as_tuple(boxes_per_image)
        self._plan_above = of_convention(convention, _assign_then_cut, _cut_then_assign)

    def prepare(self, ground_truth: GroundTruth) -> GroundTruth:
        """Leave the annotation as it is; the authors' code reads fractions of pixels.

        Args:
            ground_truth: The annotation file's content.

        Raises:
            DataError: A camera is unknown.
        """
        require_cameras(ground_truth)
        return ground_truth

    def findable(self, ground_truth: GroundTruth) -> Findable:
        """Count the annotated boxes in other cameras.

        Args:
            ground_truth: The annotation file's content.
        """
        named = ground_truth.people & is_labelled(ground_truth.person_ids)
        cameras = ground_truth.image_cameras[ground_truth.images[named]]
        counts = _in_other_cameras(ground_truth, ground_truth.person_ids[named], cameras)
        yield '', np.arange(ground_truth.num_queries), counts

    def plans(
        self, ground_truth: GroundTruth, predictions: Predictions, score_thr: float | None = None
    ) -> Plans:
        """Plan the search among all boxes, and those among the best ones.

        Boxes below a score still take identities where the convention says so.

        Yields:
            Setting, the empty string or ``bpi<K>``, and plan.
        """
        for setting, threshold in thresholds(
            predictions, ground_truth.num_images, self.boxes_per_image, score_thr
        ):
            cut = -np.inf if threshold is None else threshold
            yield setting, self._plan_above(ground_truth, predictions, cut)


def _assign_then_cut(
    ground_truth: GroundTruth, predictions: Predictions, threshold: float
) -> SearchPlan:
    detections = predictions.by_image(ground_truth)
    seen = np.diff(detections.offsets) > 0
    return _plan(ground_truth, detections, detections.scores >= threshold, seen)


def _cut_then_assign(
    ground_truth: GroundTruth, predictions: Predictions, threshold: float
) -> SearchPlan:
    detections = predictions.above(threshold).by_image(ground_truth)
    everything = np.ones(ground_truth.num_images, dtype=bool)
    return _plan(ground_truth, detections, np.ones(len(detections), dtype=bool), everything)


def _plan(
    ground_truth: GroundTruth, detections: SortedBoxes, kept: np.ndarray, seen: np.ndarray
) -> SearchPlan:
    """Plan a search among kept detections; only images that are seen can miss somebody."""
    listed = np.flatnonzero(ground_truth.people | ground_truth.ignored)
    order = listed[np.argsort(ground_truth.images[listed], kind='stable')]
    offsets = np.searchsorted(ground_truth.images[order], np.arange(ground_truth.num_images + 1))
    boxes, people = pairs_within_groups(detections.images, offsets)
    identities, found = assign_identities(
        (boxes, order[people]),
        detections.bboxes,
        detections.images,
        ground_truth.bboxes,
        ground_truth.person_ids,
    )
    missed = is_labelled(ground_truth.person_ids) & ~found & seen[ground_truth.images]
    missed &= ground_truth.people
    named = identities >= 0
    people_ids = np.r_[identities[named], ground_truth.person_ids[missed]]
    people_images = np.r_[detections.images[named], ground_truth.images[missed]]
    num_targets = _in_other_cameras(
        ground_truth, people_ids, ground_truth.image_cameras[people_images]
    )
    judge = AssignedIdentities(
        identities,
        ground_truth.image_cameras[detections.images],
        kept,
        ground_truth.query_person_ids,
        ground_truth.query_cameras,
    )
    task = SearchTask(
        query_index=np.arange(ground_truth.num_queries),
        gallery=lambda block: np.ones((block.stop - block.start, ground_truth.num_images), bool),
        judge=judge,
        num_targets=num_targets,
        measure=rank_hits_trapezoid,
    )
    return SearchPlan(task, detections)


def _in_other_cameras(
    ground_truth: GroundTruth, person_ids: np.ndarray, cameras: np.ndarray
) -> np.ndarray:
    """Count each query's person in the cameras that are not the query's, ``(Q,)``."""
    identities, rows = np.unique(person_ids, return_inverse=True)
    names, columns = np.unique(np.r_[cameras, ground_truth.query_cameras], return_inverse=True)
    counts = np.zeros((len(identities) + 1, len(names)), dtype=np.int64)
    np.add.at(counts, (rows, columns[: len(cameras)]), 1)
    row = np.searchsorted(identities, ground_truth.query_person_ids)
    row[~np.isin(ground_truth.query_person_ids, identities)] = len(identities)
    return counts[row].sum(axis=1) - counts[row, columns[len(cameras) :]]
