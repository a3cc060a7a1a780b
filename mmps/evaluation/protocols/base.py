"""The interface of protocols, and what they share: settings, searches among the best boxes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions
from mmps.registry import TASK_UTILS
from mmps.structures import ConfigError

from ..results import TOP_KS
from ..search import SearchPlan
from .findable import check_findable, why_nobody

Plans = Iterator[tuple[str, SearchPlan]]
"""Searches by setting, the first part of their keys; an only one may be the empty string."""

BUDGET = 'bpi'
"""Prefix of settings that search so many boxes per image."""

Findable = Iterator[tuple[str, np.ndarray, np.ndarray]]
"""By setting: ``(Q,)`` positions of queries, and ``(Q,)`` how many right boxes each has."""


class SearchProtocol(ABC):
    """Plans which searches are made; the evaluator carries them out.

    A protocol writes one method, :meth:`plans`. This one searches the best box of each image:

    .. code-block:: python

        import numpy as np
        from mmps.evaluation import GenericProtocol, SearchPlan, SearchProtocol
        from mmps.registry import TASK_UTILS

        @TASK_UTILS.register_module()
        class BestBoxProtocol(SearchProtocol):
            name = 'best_box'  # eval_predictions.py --protocol best_box

            def plans(self, ground_truth, predictions, score_thr=None):
                boxes = predictions.above(score_thr).by_image(ground_truth)
                first = np.lexsort((-boxes.scores, boxes.images))  # by image, best score first
                best = first[np.unique(boxes.images, return_index=True)[1]]
                task = GenericProtocol(convention=self.convention).task(ground_truth)
                yield '', SearchPlan(task, boxes.rows(best))

    ``SearchTask`` has the galleries (which images each query is searched in) and the right boxes
    (``Targets.sort`` of annotated boxes, if there is no other rule), ``SearchPlan`` adds the boxes
    that are searched. In a config, ``protocol=dict(type='mmps.BestBoxProtocol')``; from outside of
    this package, ``type='my_package.my_module.BestBoxProtocol'``.

    Args:
        convention: ``legacy`` or ``strict``.
        searcher: Config of the ``mmps.Searcher``.
    """

    name = ''
    """What command lines call the protocol; the empty string leaves it out there."""
    ks: Sequence[int] = TOP_KS
    across_cameras = False

    def __init__(self, convention: str = 'legacy', searcher: dict | None = None) -> None:
        self.convention = convention
        self.searcher = TASK_UTILS.build({'type': 'mmps.Searcher', **(searcher or {})})

    def prepare(self, ground_truth: GroundTruth) -> GroundTruth:
        """Convert the annotation to what the protocol's evaluator read; here, leave it.

        Args:
            ground_truth: The annotation file's content.
        """
        return ground_truth

    def check(self, ground_truth: GroundTruth) -> None:
        """Find what would fail after a whole test pass before it: all that the annotation decides.

        That is other files, unknown cameras, queries with nobody to find; where only some have
        nobody, a warning says how many.

        Args:
            ground_truth: The annotation file's content.

        Raises:
            DataError: The protocol cannot be used with this annotation.
        """
        ground_truth = self.prepare(ground_truth)
        for setting, queries, targets in self.findable(ground_truth):
            nobody = queries[targets == 0]
            why = self.why_nobody(ground_truth, nobody) if len(nobody) else ''
            check_findable(ground_truth, setting, targets, why)

    def findable(self, ground_truth: GroundTruth) -> Findable:
        """Count whom each query can find, as far as the annotation alone decides it.

        Args:
            ground_truth: The annotation file's content, as returned by ``prepare``.

        Yields:
            Setting, queries and numbers of right boxes; here, nothing is known before the search.
        """
        del ground_truth
        return iter(())

    def why_nobody(self, ground_truth: GroundTruth, queries: np.ndarray) -> str:
        """Describe why queries have nobody to find, and the fix.

        Args:
            ground_truth: The annotation file's content.
            queries: ``(M,)`` positions of such queries, at least one.
        """
        return why_nobody(ground_truth, queries, self.across_cameras)

    @abstractmethod
    def plans(
        self, ground_truth: GroundTruth, predictions: Predictions, score_thr: float | None = None
    ) -> Plans:
        """Plan all searches, one after the other: only one plan needs to be in memory.

        Args:
            ground_truth: The annotation file's content, as returned by ``prepare``.
            predictions: All boxes and embeddings, in any order.
            score_thr: Smallest score that is searched. ``None`` for annotated boxes, whose scores
                mean nothing: all are searched, and searches among the best boxes are left out.

        Yields:
            Setting and plan. The first setting is the one whose similarities are calibrated.
        """


def thresholds(
    predictions: Predictions,
    num_images: int,
    boxes_per_image: Sequence[float],
    score_thr: float | None,
) -> Iterator[tuple[str, float | None]]:
    """Find the score thresholds of a search among all boxes, and of those among the best ones.

    Args:
        predictions: Predictions with all boxes.
        num_images: Number of images, those without boxes included.
        boxes_per_image: Boxes per image on average, one search for each number.
        score_thr: Smallest score that is searched; ``None`` as in :meth:`SearchProtocol.plans`.

    Yields:
        Setting, the empty string or ``bpi<K>``, and threshold.
    """
    yield '', score_thr
    for boxes in boxes_per_image if score_thr is not None else ():
        threshold = budget_threshold(predictions.scores, num_images, boxes)
        yield f'{BUDGET}{boxes:g}', max(threshold, score_thr)


def protocols_by_name() -> dict[str, type[SearchProtocol]]:
    """Return the registered protocols that have a name of their own, in the order of the names."""
    kinds = [kind for kind in TASK_UTILS.module_dict.values() if isinstance(kind, type)]
    protocols = [kind for kind in kinds if issubclass(kind, SearchProtocol)]
    named = {vars(kind)['name']: kind for kind in protocols if vars(kind).get('name')}
    return dict(sorted(named.items()))


def budget_threshold(scores: np.ndarray, num_images: int, boxes_per_image: float) -> float:
    """Find the score threshold that keeps so many boxes per image on average.

    Args:
        scores: ``(N,)`` of all detections.
        num_images: Number of images, those without detections included.
        boxes_per_image: Boxes per image that are kept, at least one box in all; all boxes, if there
            are fewer.

    Returns:
        Smallest score that is kept; boxes of equal score stay together.

    Raises:
        ConfigError: The number of boxes is not positive, or not finite.
    """
    if not 0 < boxes_per_image < math.inf:
        raise ConfigError(f'boxes per image must be positive numbers, not {boxes_per_image:g}.')
    count = max(1, round(num_images * boxes_per_image))
    if count >= len(scores):
        return float('-inf')
    return float(np.partition(scores, len(scores) - count)[len(scores) - count])


def as_tuple(values: Sequence | float | str) -> tuple:
    """Take a single value as a sequence of one, as a command line's ``gallery_sizes=50`` gives it.

    Args:
        values: One value, or several.
    """
    return (values,) if isinstance(values, (int, float, str)) else tuple(values)
