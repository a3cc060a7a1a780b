"""Everything that is reported about one set of predictions."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from mmengine.logging import print_log

from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions
from mmps.structures import ConfigError, xywh_to_xyxy

from .calibration import Calibration, SimilarityCounter
from .detection import detection_metrics
from .functional.matching import best_of_each, paired_iou, pairs_within_groups, with_last_pixel
from .protocols.base import BUDGET, Plans, SearchProtocol
from .protocols.conventions import of_convention
from .protocols.findable import nobody_to_find
from .results import TOP_KS, QueryResults, bootstrap_interval
from .search import Observer, SearchPlan

FEW = 0.01
"""Recall of a detector below which its boxes may be in another form than they should."""

GT_PREFIX = 'gt/'
"""Prefix of settings whose gallery is the annotated boxes."""


@dataclass(frozen=True)
class Report:
    """Numbers of one evaluation.

    Attributes:
        metrics: Fractions in 0..1 by key, as ``g100/mAP``, ``gt/g100/top1``, ``det/recall``.
        queries: How each query did, by setting, as ``g100`` or ``gt/g100``.
        searched: Boxes that were kept, and the query embeddings that were used.
        calibration: Similarities of the first setting; none if it was not asked for.
    """

    metrics: dict[str, float]
    queries: dict[str, QueryResults]
    searched: Predictions
    calibration: Calibration | None = None

    def uncounted(self) -> list[str]:
        """Return which searches have queries that do not count, a sentence for each number."""
        settings: dict[str, list[str]] = {}
        for setting, results in self.queries.items():
            if not results.counted.all():
                sentence = nobody_to_find(results.num_targets)
                settings.setdefault(sentence, []).append(setting.strip('/') or 'search')
        return [f'{sentence} ({", ".join(names)})' for sentence, names in settings.items()]


def evaluate_predictions(
    ground_truth: GroundTruth,
    predictions: Predictions,
    protocol: SearchProtocol,
    score_thr: float = 0.0,
    gt_boxes: bool = False,
    detected_queries: bool = False,
    calibrated: bool = False,
) -> Report:
    """Evaluate detection, the search among detected boxes, and that among annotated boxes.

    Predictions without embeddings, as those of a bare detector, and annotation files without
    queries get the detection numbers only.

    Args:
        ground_truth: The annotation file's content.
        predictions: Boxes, scores and embeddings.
        protocol: Galleries and rules.
        score_thr: Detections below it are left out, of the detection numbers too.
        gt_boxes: Search the annotated boxes as well; needs ``gt_embeddings``.
        detected_queries: Take each query's embedding from the detection that overlaps its box
            most (AlignPS, PSTR). A query in whose image nothing is detected is left out under
            ``legacy``, as PSTR does, and finds nothing under ``strict``.
        calibrated: Count the similarities of the first setting while it is searched.

    Raises:
        ConfigError: The threshold is no number.
        DataError: The predictions do not belong to the annotation file, or nobody can be found.
    """
    predictions.check_against(ground_truth)
    ground_truth = protocol.prepare(ground_truth)
    detected = _cut(predictions, score_thr)
    detection = detection_metrics(ground_truth, detected, protocol.convention)
    _warn_of_other_boxes(ground_truth, detected, detection)
    if not predictions.has_embeddings or ground_truth.num_queries == 0:
        return Report(detection, {}, detected)
    unseen = np.zeros(ground_truth.num_queries, dtype=bool)
    if detected_queries:
        predictions, unseen = queries_from_detections(predictions, ground_truth)
        detected = replace(detected, query_embeddings=predictions.query_embeddings)
    plans = protocol.plans(ground_truth, predictions, score_thr)
    if gt_boxes:
        annotated = protocol.plans(ground_truth, predictions.at_ground_truth(ground_truth))
        plans = chain(plans, ((f'{GT_PREFIX}{setting}', plan) for setting, plan in annotated))
    counter = SimilarityCounter() if calibrated else None
    found = searches(ground_truth, predictions.query_embeddings, protocol, plans, counter)
    # Queries without an embedding are left out (legacy, as in PSTR) or count as failed (strict).
    treat = of_convention(protocol.convention, QueryResults.without, QueryResults.failed)
    queries = {
        setting: treat(results, unseen[results.query_index]) for setting, _, results in found
    }
    metrics = {**search_metrics(queries, protocol.ks), **detection}
    calibration = counter.calibration() if counter is not None and queries else None
    return Report(metrics, queries, detected, calibration)


def searches(
    ground_truth: GroundTruth,
    query_embeddings: np.ndarray,
    protocol: SearchProtocol,
    plans: Plans,
    observer: Observer | None = None,
) -> Iterator[tuple[str, SearchPlan, QueryResults]]:
    """Carry out plans one after the other; each plan is made and searched once.

    Args:
        ground_truth: The annotation file's content, as the protocol prepared it.
        query_embeddings: ``(Q, D)`` of all queries of the annotation file.
        protocol: Protocol whose searcher is used.
        plans: Search plans of the protocol.
        observer: Sees the similarities of the first setting.

    Yields:
        Setting, plan, and how each query did.

    Raises:
        DataError: Nobody can be found.
    """
    for setting, plan in plans:
        results = protocol.searcher(ground_truth, query_embeddings, plan, observer)
        if not results.counted.any():
            protocol.check(ground_truth)  # which says why
        observer = None
        yield setting, plan, results


def queries_from_detections(
    predictions: Predictions, ground_truth: GroundTruth
) -> tuple[Predictions, np.ndarray]:
    """Take each query's embedding from the detection that overlaps its box most.

    AlignPS and PSTR: among all detections of the query's image, whatever their score and overlap;
    IoU counts the last pixel of a box.

    Args:
        predictions: All boxes of the model, before any score threshold.
        ground_truth: The annotation file's content.

    Returns:
        The predictions with these queries, and ``(Q,)`` true for queries in whose image nothing was
        detected; their embedding is zero.
    """
    detections = predictions.by_image(ground_truth)
    queries, members = pairs_within_groups(ground_truth.query_images, detections.offsets)
    overlaps = paired_iou(
        with_last_pixel(ground_truth.query_bboxes[queries]),
        with_last_pixel(detections.bboxes[members]),
    )
    best = best_of_each(queries, overlaps, ground_truth.num_queries)
    found = best >= 0
    embeddings = np.zeros(
        (ground_truth.num_queries, predictions.embeddings.shape[1]), predictions.embeddings.dtype
    )
    embeddings[found] = detections.embeddings[members[best[found]]]
    return replace(predictions, query_embeddings=embeddings), ~found


def _cut(predictions: Predictions, score_thr: float) -> Predictions:
    """Leave out boxes below a score; say so if none is left, as a table of zeros does not."""
    if math.isnan(score_thr):
        raise ConfigError('the score threshold (score_thr) must be a number, not NaN.')
    detected = predictions.above(score_thr)
    if len(predictions.scores) and not len(detected.scores):
        print_log(
            f'none of the {len(predictions.scores)} boxes reaches the score threshold '
            f'{score_thr:g}; the highest score is {predictions.scores.max():g}: choose a lower '
            'threshold (score_thr)',
            logger='current',
            level=logging.WARNING,
        )
    return detected


def _warn_of_other_boxes(
    ground_truth: GroundTruth, detected: Predictions, detection: dict[str, float]
) -> None:
    """Warn if hardly any box is on a person, as with boxes in another format."""
    recall = detection.get('det/recall', 1.0)
    if not len(detected.scores) or recall >= FEW:
        return
    guess = ''
    if detected.bboxes.max() <= 2:
        guess = ', and these look like fractions of the image'
    else:
        corners = replace(detected, bboxes=xywh_to_xyxy(detected.bboxes))
        if detection_metrics(ground_truth, corners)['det/recall'] > recall + 0.1:
            guess = ', and these look like x y width height'
    print_log(
        f'{100 * recall:.1f} % of the annotated people lie under one of the '
        f'{len(detected.scores)} boxes (IoU 0.5): unless the detector is untrained, check the '
        f'boxes, which must be x1 y1 x2 y2 in pixels of the image file{guess}',
        logger='current',
        level=logging.WARNING,
    )


def search_metrics(queries: dict[str, QueryResults], ks: Sequence[int]) -> dict[str, float]:
    """Average all settings, and name the best number of boxes per image.

    Args:
        queries: Results by setting.
        ks: Ranks for the top-k rates.

    Returns:
        Fractions in 0..1 by key; ``best_bpi/*`` is the ``bpi<K>`` of greatest mAP.
    """
    settings = {setting: results.metrics(ks) for setting, results in queries.items()}
    budgets = [metrics for setting, metrics in settings.items() if setting.startswith(BUDGET)]
    if budgets:
        settings['best_bpi'] = max(budgets, key=lambda metrics: metrics['mAP'])
    return {
        metric_key(setting, name): value
        for setting, metrics in settings.items()
        for name, value in metrics.items()
    }


def metric_key(setting: str, name: str) -> str:
    """Join a setting and a metric: ``g100`` and ``mAP`` to ``g100/mAP``, ``gt/`` to ``gt/mAP``.

    Args:
        setting: Key of ``Report.queries``.
        name: ``mAP``, ``top1``, ...
    """
    return f'{setting}/{name}' if setting and not setting.endswith('/') else f'{setting}{name}'


def confidence_intervals(
    report: Report, ks: Sequence[int] = TOP_KS, draws: int = 1000, seed: int = 0
) -> dict[str, float]:
    """Bootstrap each search metric over the queries.

    Args:
        report: Report of an evaluation.
        ks: Ranks for the top-k rates.
        draws: Number of draws.
        seed: Seed of the generator.

    Returns:
        Ends of the 95 % interval, ``<key>_low`` and ``<key>_high``.
    """
    ends = {}
    for setting, results in report.queries.items():
        for name, values in results.per_query(ks).items():
            low, high = bootstrap_interval(values, draws, seed)
            ends[f'{metric_key(setting, name)}_low'] = low
            ends[f'{metric_key(setting, name)}_high'] = high
    return ends
