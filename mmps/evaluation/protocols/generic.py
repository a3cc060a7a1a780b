"""Search in all other images: for a user's own data, and the base of PRW's usual rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions, SortedBoxes
from mmps.registry import TASK_UTILS

from ..search import GalleryMask, SearchPlan, SearchTask
from ..targets import Targets
from .base import Findable, Plans, SearchProtocol, as_tuple, thresholds
from .conventions import different_boxes, first_per_image, of_convention
from .findable import require_cameras, require_visits, same_person_pairs, why_nobody
from .visits import OtherVisits, visits_of_boxes


@TASK_UTILS.register_module()
class GenericProtocol(SearchProtocol):
    """Search each query in every image but its own.

    Args:
        cross_camera: Leave out all images of the query's camera (SeqNet's
            ``ignore_cam_id=False``, COAT's multi-view gallery).
        boxes_per_image: Also search among the best boxes, so many per image on average.
        other_visits: Leave out the boxes of the query's own visit (``annotations[].visit``):
            only another appearance of the person counts.
        convention: ``legacy`` looks for one box of a person per image, ``strict`` for each.
        searcher: Config of the ``mmps.Searcher``.

    Raises:
        ConfigError: There is no such convention.
    """

    name = 'generic'

    def __init__(
        self,
        cross_camera: bool = False,
        boxes_per_image: Sequence[float] = (),
        convention: str = 'legacy',
        searcher: dict | None = None,
        other_visits: bool = False,
    ) -> None:
        super().__init__(convention, searcher)
        self.boxes_per_image = as_tuple(boxes_per_image)
        self.cross_camera = self.across_cameras = cross_camera
        self.other_visits = other_visits
        self.wanted_boxes = of_convention(convention, first_per_image, different_boxes)

    def plans(
        self, ground_truth: GroundTruth, predictions: Predictions, score_thr: float | None = None
    ) -> Plans:
        """Plan the search among all boxes, and those among the best ones.

        Yields:
            Setting, the empty string or ``bpi<K>``, and plan.
        """
        task = self.task(ground_truth)
        for setting, threshold in thresholds(
            predictions, ground_truth.num_images, self.boxes_per_image, score_thr
        ):
            boxes = predictions.above(threshold).by_image(ground_truth)
            yield setting, SearchPlan(self._without_own_visit(task, ground_truth, boxes), boxes)

    def findable(self, ground_truth: GroundTruth) -> Findable:
        """Count the people in the images that are searched.

        Args:
            ground_truth: The annotation file's content.
        """
        task = self.task(ground_truth)
        yield '', task.query_index, task.num_targets

    def task(self, ground_truth: GroundTruth) -> SearchTask:
        """Return the gallery of each query, and which boxes are right.

        Args:
            ground_truth: The annotation file's content.

        Raises:
            DataError: Cameras or visits are needed and unknown.
        """
        if self.cross_camera:
            require_cameras(ground_truth)
        if self.other_visits:
            require_visits(ground_truth)
        queries, annotations = same_person_pairs(ground_truth)
        images = ground_truth.images[annotations]
        wanted = images != ground_truth.query_images[queries]
        if self.cross_camera:
            other = ground_truth.query_cameras[queries] != ground_truth.image_cameras[images]
            wanted &= other
        if self.other_visits:
            wanted &= ground_truth.visits[annotations] != ground_truth.query_visits[queries]
        queries, images, annotations = queries[wanted], images[wanted], annotations[wanted]
        bboxes = ground_truth.bboxes[annotations]
        kept = self.wanted_boxes(queries, images, bboxes)
        return SearchTask(
            query_index=np.arange(ground_truth.num_queries),
            gallery=other_images(ground_truth, self.cross_camera),
            judge=Targets.sort(queries[kept], images[kept], bboxes[kept]),
            num_targets=np.bincount(queries[kept], minlength=ground_truth.num_queries),
        )

    def why_nobody(self, ground_truth: GroundTruth, queries: np.ndarray) -> str:
        """Describe why queries have nobody to find, and the fix.

        Args:
            ground_truth: The annotation file's content.
            queries: ``(M,)`` positions of such queries, at least one.
        """
        return why_nobody(ground_truth, queries, self.cross_camera, self.other_visits)

    def _without_own_visit(
        self, task: SearchTask, ground_truth: GroundTruth, boxes: SortedBoxes
    ) -> SearchTask:
        """Return the task whose judge drops the boxes of the query's visit, where so set."""
        if not self.other_visits:
            return task
        visits = visits_of_boxes(ground_truth, boxes)
        return replace(task, judge=OtherVisits(task.judge, visits, ground_truth.query_visits))


def other_images(ground_truth: GroundTruth, cross_camera: bool) -> GalleryMask:
    """Build the mask of galleries with every image except the query's.

    Args:
        ground_truth: The annotation file's content.
        cross_camera: Leave out all images of the query's camera.
    """
    positions = np.arange(ground_truth.num_images)

    def mask(block: slice) -> np.ndarray:
        inside = positions != ground_truth.query_images[block, None]
        if cross_camera:
            inside &= ground_truth.image_cameras != ground_truth.query_cameras[block, None]
        return inside

    return mask
