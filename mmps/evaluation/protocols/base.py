"""What a protocol offers, and what protocols share: settings, searches among the best boxes."""

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

Findable = Iterator[tuple[str, np.ndarray, np.ndarray]]
"""By setting: ``(Q,)`` positions of queries, and ``(Q,)`` how many right boxes each has."""


class SearchProtocol(ABC):
    """Plans which searches are made; the evaluator carries them out.

    Args:
        convention: ``legacy`` or ``strict``.
        searcher: config of the ``mmps.Searcher``.
    """

    ks: Sequence[int] = TOP_KS
    across_cameras = False

    def __init__(self, convention: str, searcher: dict | None) -> None:
        self.convention = convention
        self.searcher = TASK_UTILS.build({'type': 'mmps.Searcher', **(searcher or {})})

    def prepare(self, ground_truth: GroundTruth) -> GroundTruth:
        """Convert the annotation to what the protocol's evaluator read; here, leave it.

        Args:
            ground_truth: the annotation file's content.
        """
        return ground_truth

    def check(self, ground_truth: GroundTruth) -> None:
        """Find what would fail after a whole test pass before it: all that the annotation decides.

        That is other files, unknown cameras, queries with nobody to find; where only some have
        nobody, a warning says how many.

        Args:
            ground_truth: the annotation file's content.

        Raises:
            DataError: if the protocol cannot be used with this annotation.
        """
        ground_truth = self.prepare(ground_truth)
        for setting, queries, targets in self.findable(ground_truth):
            nobody = queries[targets == 0]
            why = self.why_nobody(ground_truth, nobody) if len(nobody) else ''
            check_findable(ground_truth, setting, targets, why)

    def findable(self, ground_truth: GroundTruth) -> Findable:
        """Count whom each query can find, as far as the annotation alone decides it.

        Args:
            ground_truth: the annotation file's content, as ``prepare`` leaves it.

        Yields:
            Setting, queries and numbers of right boxes; here, nothing is known before the search.
        """
        del ground_truth
        return iter(())

    def why_nobody(self, ground_truth: GroundTruth, queries: np.ndarray) -> str:
        """Say why queries have nobody to find, and what helps.

        Args:
            ground_truth: the annotation file's content.
            queries: ``(M,)`` positions of such queries, at least one.
        """
        return why_nobody(ground_truth, queries, self.across_cameras)

    @abstractmethod
    def plans(self, ground_truth: GroundTruth, predictions: Predictions) -> Plans:
        """Plan the searches.

        Args:
            ground_truth: the annotation file's content.
            predictions: boxes and embeddings.

        Yields:
            Setting and plan.
        """

    def budgeted_plans(self, ground_truth: GroundTruth, predictions: Predictions) -> Plans:
        """Plan the searches among the best boxes; here, there are none.

        Args:
            ground_truth: the annotation file's content.
            predictions: boxes and embeddings.
        """
        del ground_truth, predictions
        return iter(())

    def plans_above(
        self, ground_truth: GroundTruth, predictions: Predictions, score_thr: float
    ) -> Plans:
        """Plan all searches, once boxes below a score are gone.

        Args:
            ground_truth: the annotation file's content.
            predictions: all boxes and embeddings.
            score_thr: smallest score that is searched.

        Yields:
            Setting and plan.
        """
        kept = predictions.above(score_thr)
        yield from self.plans(ground_truth, kept)
        yield from self.budgeted_plans(ground_truth, kept)


class BudgetedProtocol(SearchProtocol):
    """Searches among all boxes, and among the best ones.

    Args:
        boxes_per_image: so many per image on average, one search for each number.
        convention: ``legacy`` or ``strict``.
        searcher: config of the ``mmps.Searcher``.
    """

    def __init__(
        self, boxes_per_image: Sequence[float] | float, convention: str, searcher: dict | None
    ) -> None:
        super().__init__(convention, searcher)
        self.boxes_per_image = as_tuple(boxes_per_image)

    @abstractmethod
    def plan_above(
        self, ground_truth: GroundTruth, predictions: Predictions, threshold: float
    ) -> SearchPlan:
        """Plan the search among boxes of at least a score.

        Args:
            ground_truth: the annotation file's content.
            predictions: boxes and embeddings.
            threshold: smallest score that is searched.
        """

    def plans(self, ground_truth: GroundTruth, predictions: Predictions) -> Plans:
        """Plan the search among all boxes.

        Args:
            ground_truth: the annotation file's content.
            predictions: boxes and embeddings.

        Yields:
            One plan; its setting is the empty string.
        """
        yield '', self.plan_above(ground_truth, predictions, -np.inf)

    def budgeted_plans(self, ground_truth: GroundTruth, predictions: Predictions) -> Plans:
        """Plan the searches among the best boxes.

        Args:
            ground_truth: the annotation file's content.
            predictions: boxes and embeddings.

        Yields:
            Setting, ``bpi<K>``, and plan.
        """
        for setting, threshold in self.budgets(ground_truth, predictions):
            yield setting, self.plan_above(ground_truth, predictions, threshold)

    def budgets(
        self, ground_truth: GroundTruth, predictions: Predictions
    ) -> Iterator[tuple[str, float]]:
        """Find the score above which each number of boxes per image is left.

        Args:
            ground_truth: the annotation file's content.
            predictions: boxes.

        Yields:
            Setting, ``bpi<K>``, and threshold.
        """
        for boxes in self.boxes_per_image:
            threshold = budget_threshold(predictions.scores, ground_truth.num_images, boxes)
            yield f'bpi{boxes:g}', threshold


def budget_threshold(scores: np.ndarray, num_images: int, boxes_per_image: float) -> float:
    """Find the score threshold that keeps so many boxes per image on average.

    Args:
        scores: ``(N,)`` of all detections.
        num_images: number of images, those without detections included.
        boxes_per_image: boxes per image that are kept, at least one box in all; all boxes, if there
            are fewer.

    Returns:
        Smallest score that is kept; boxes of equal score stay together.

    Raises:
        ConfigError: if the number of boxes is not positive, or not finite.
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
        values: one, or several.
    """
    return (values,) if isinstance(values, (int, float, str)) else tuple(values)
