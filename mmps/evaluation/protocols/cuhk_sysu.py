"""CUHK-SYSU: every query has its own gallery, listed in the official files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmps.formats.galleries import Galleries, available_sizes, gallery_file
from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions
from mmps.registry import TASK_UTILS
from mmps.structures import DataError

from ..search import GalleryMask, SearchPlan, SearchTask
from ..targets import Targets
from .base import Findable, Plans, SearchProtocol, as_tuple
from .conventions import different_boxes, of_convention

FULL = 'full'
"""Name of the gallery that holds all test images but the query's own."""


@TASK_UTILS.register_module()
class CUHKSYSUProtocol(SearchProtocol):
    """Search in galleries of fixed sizes and in the official subsets.

    Xiao et al., *Joint Detection and Identification Feature Learning for Person Search*, CVPR
    2017; evaluators of OIM, NAE and SeqNet.

    Args:
        gallery_sizes: Numbers of images, ``occlusion``, ``resolution``, or ``full``, which is all
            test images except the query's own.
        galleries_dir: Folder of ``galleries_<size>.npz``; beside the annotation file when not
            given.
        convention: ``legacy`` or ``strict``; they differ in galleries that list an image twice.
        searcher: Config of the ``mmps.Searcher``.

    Raises:
        ConfigError: There is no such convention.
    """

    name = 'cuhk_sysu'

    def __init__(
        self,
        gallery_sizes: Sequence[int | str] | int | str = (100,),
        galleries_dir: str | None = None,
        convention: str = 'legacy',
        searcher: dict | None = None,
    ) -> None:
        super().__init__(convention, searcher)
        self.gallery_sizes = as_tuple(gallery_sizes)
        self.galleries_dir = galleries_dir
        self._choose_people = of_convention(convention, _first_listed, _different)

    def findable(self, ground_truth: GroundTruth) -> Findable:
        """Read the galleries of each size, and count the people in them.

        Args:
            ground_truth: The annotation file's content.

        Raises:
            DataError: See ``task``.
        """
        for size in self.gallery_sizes:
            task = self.task(ground_truth, size)
            yield _setting(size), task.query_index, task.num_targets

    def why_nobody(self, ground_truth: GroundTruth, queries: np.ndarray) -> str:
        """Describe that the galleries determine who can be found.

        Args:
            ground_truth: The annotation file's content.
            queries: ``(M,)`` positions of such queries.
        """
        del ground_truth, queries
        return 'the galleries list no box of their person; convert the data set again'

    def plans(
        self, ground_truth: GroundTruth, predictions: Predictions, score_thr: float | None = None
    ) -> Plans:
        """Plan the searches in the galleries of each size.

        Yields:
            Setting (``g<size>``, ``occlusion``, ``resolution``, ``full``) and plan.
        """
        boxes = predictions.above(score_thr).by_image(ground_truth)
        for size in self.gallery_sizes:
            yield _setting(size), SearchPlan(self.task(ground_truth, size), boxes)

    def task(self, ground_truth: GroundTruth, size: int | str) -> SearchTask:
        """Read the galleries of one size.

        Args:
            ground_truth: The annotation file's content.
            size: One of the gallery sizes.

        Raises:
            DataError: There is no such file (the message lists the sizes that exist), or the
                galleries do not fit the annotation file.
        """
        directory = Path(self.galleries_dir or ground_truth.path.parent)
        listed_size = _smallest(directory) if size == FULL else size
        galleries = Galleries.load(gallery_file(directory, listed_size))
        galleries.check_against(ground_truth)
        images = ground_truth.image_positions(galleries.image_ids, str(galleries.path))
        mask = listed_images(galleries.offsets, images, ground_truth.num_images)
        if size == FULL:
            mask = _all_but_own(mask, ground_truth.query_images[galleries.query_index])
        people, queries = galleries.person_entries, galleries.entry_queries
        searched, counted = self._choose_people(queries, images, people, galleries.person_bboxes)
        targets = Targets.sort(
            queries[people[searched]], images[people[searched]], galleries.person_bboxes[searched]
        )
        num_targets = np.bincount(queries[people[counted]], minlength=galleries.num_queries)
        return SearchTask(galleries.query_index, mask, targets, num_targets)


def listed_images(offsets: np.ndarray, images: np.ndarray, num_images: int) -> GalleryMask:
    """Build the mask of galleries that list their images.

    Args:
        offsets: ``(Q + 1,)``, query ``q`` owns the entries ``offsets[q]:offsets[q + 1]``.
        images: ``(M,)`` position of each entry's image.
        num_images: Number of images in the annotation file.
    """

    def mask(block: slice) -> np.ndarray:
        bounds = offsets[block.start : block.stop + 1]
        inside = np.zeros((block.stop - block.start, num_images), dtype=bool)
        rows = np.repeat(np.arange(len(inside)), np.diff(bounds))
        inside[rows, images[bounds[0] : bounds[-1]]] = True
        return inside

    return mask


def _first_listed(
    queries: np.ndarray, images: np.ndarray, people: np.ndarray, bboxes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Search people whose entry is the first of its image in the gallery, count all: SeqNet."""
    del bboxes
    keys = queries * (images.max(initial=0) + 1) + images
    # millions of entries, few with a person: look at the images of these only
    same = np.flatnonzero(np.isin(keys, keys[people]))
    _, first = np.unique(keys[same], return_index=True)
    return np.flatnonzero(np.isin(people, same[first])), np.arange(len(people))


def _different(
    queries: np.ndarray, images: np.ndarray, people: np.ndarray, bboxes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Search and count people whose box the gallery has not listed before."""
    different = different_boxes(queries[people], images[people], bboxes)
    return different, different


def _all_but_own(listed: GalleryMask, query_images: np.ndarray) -> GalleryMask:
    def mask(block: slice) -> np.ndarray:
        inside = listed(block)
        own = (np.arange(len(inside)), query_images[block])
        keeps_own = inside[own]
        inside[:] = True
        inside[own] = keeps_own
        return inside

    return mask


def _smallest(directory: Path) -> str:
    """Return the smallest size: the listed people are the same in all, and 50 is in the release."""
    numbers = [name for name in available_sizes(directory) if name.isdigit()]
    if not numbers:
        raise DataError(
            f"gallery size '{FULL}' takes the people to find from a galleries_<size>.npz of any "
            f'size, and {directory} holds none: convert the data set again, or take the protocol '
            "generic, which searches all images but the query's own."
        )
    return numbers[0]


def _setting(size: int | str) -> str:
    return f'g{size}' if str(size).isdigit() else str(size)
