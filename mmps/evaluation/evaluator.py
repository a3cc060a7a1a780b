"""Everything that is reported about one set of predictions."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from mmengine.logging import print_log

from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions
from mmps.structures import ConfigError, xywh_to_xyxy

from .detection import detection_metrics
from .functional.matching import best_of_each, paired_iou, pairs_within_groups, with_last_pixel
from .protocols.base import SearchProtocol
from .protocols.conventions import of_convention
from .protocols.findable import nobody_to_find
from .results import TOP_KS, QueryResults, bootstrap_interval

FEW = 0.01
"""Recall of a detector below which its boxes may be in another form than they should."""

GT_PREFIX = 'gt/'
"""Prefix of settings whose gallery is the annotated boxes."""


@dataclass(frozen=True)
class Report:
    """Numbers of one evaluation.

    Args:
        metrics: fractions in 0..1 by key, as ``g100/mAP``, ``gt/g100/top1``, ``det/recall``.
        queries: how each query did, by setting, as ``g100`` or ``gt/g100``.
        scored: all boxes, and the query embeddings that were used.
        score_thr: smallest score that was searched.
    """

    metrics: dict[str, float]
    queries: dict[str, QueryResults]
    scored: Predictions
    score_thr: float

    def uncounted(self) -> list[str]:
        """Say which searches have queries that do not count, a sentence for each number."""
        settings: dict[str, list[str]] = {}
        for setting, results in self.queries.items():
            if not results.counted.all():
                sentence = nobody_to_find(results.num_targets)
                settings.setdefault(sentence, []).append(setting.strip('/') or 'search')
        return [f'{sentence} ({", ".join(names)})' for sentence, names in settings.items()]

    @property
    def searched(self) -> Predictions:
        """The boxes that were kept, and the query embeddings that were used."""
        return self.scored.above(self.score_thr)


def evaluate_predictions(
    ground_truth: GroundTruth,
    predictions: Predictions,
    protocol: SearchProtocol,
    score_thr: float = 0.0,
    gt_boxes: bool = False,
    detected_queries: bool = False,
) -> Report:
    """Evaluate detection, the search among detected boxes, and that among annotated boxes.

    Predictions without embeddings, as those of a bare detector, and annotation files without
    queries get the detection numbers only.

    Args:
        ground_truth: the annotation file's content.
        predictions: boxes, scores and embeddings.
        protocol: galleries and rules.
        score_thr: detections below it are left out, of the detection numbers too.
        gt_boxes: search the annotated boxes as well; needs ``gt_embeddings``.
        detected_queries: take each query's embedding from the detection that overlaps its box
            most (AlignPS, PSTR). A query in whose image nothing is detected is left out under
            ``legacy``, as PSTR does, and finds nothing under ``strict``.

    Raises:
        ConfigError: if the threshold is no number.
        DataError: if the predictions do not belong to the annotation file, or nobody can be found.
    """
    predictions.check_against(ground_truth)
    ground_truth = protocol.prepare(ground_truth)
    detected = _cut(predictions, score_thr)
    detection = detection_metrics(ground_truth, detected, protocol.convention)
    _warn_of_other_boxes(ground_truth, detected, detection)
    if not predictions.has_embeddings or ground_truth.num_queries == 0:
        return Report(detection, {}, predictions, score_thr)
    unseen = np.zeros(ground_truth.num_queries, dtype=bool)
    if detected_queries:
        predictions, unseen = queries_from_detections(predictions, ground_truth)
    plans = protocol.plans_above(ground_truth, predictions, score_thr)
    if gt_boxes:
        annotated = protocol.plans(ground_truth, predictions.at_ground_truth(ground_truth))
        plans = chain(plans, ((f'{GT_PREFIX}{setting}', plan) for setting, plan in annotated))
    treat = of_convention(protocol.convention, QueryResults.without, QueryResults.failed)
    queries = {}
    for setting, plan in plans:
        results = protocol.searcher(ground_truth, predictions.query_embeddings, plan)
        if not results.counted.any():
            protocol.check(ground_truth)  # which says why
        queries[setting] = treat(results, unseen[results.query_index])
    metrics = {**search_metrics(queries, protocol.ks), **detection}
    return Report(metrics, queries, predictions, score_thr)


def queries_from_detections(
    predictions: Predictions, ground_truth: GroundTruth
) -> tuple[Predictions, np.ndarray]:
    """Take each query's embedding from the detection that overlaps its box most.

    AlignPS and PSTR: among all detections of the query's image, whatever their score and overlap;
    IoU counts the last pixel of a box.

    Args:
        predictions: all boxes of the model, before any score threshold.
        ground_truth: the annotation file's content.

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
    """Say so if nearly no box lies on a person, as it is with boxes in another form."""
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
        queries: results by setting.
        ks: places for the top-k rates.

    Returns:
        Fractions in 0..1 by key; ``best_bpi/*`` is the ``bpi<K>`` of greatest mAP.
    """
    settings = {setting: results.metrics(ks) for setting, results in queries.items()}
    budgets = [metrics for setting, metrics in settings.items() if setting.startswith('bpi')]
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
        setting: key of ``Report.queries``.
        name: ``mAP``, ``top1``, ...
    """
    return f'{setting}/{name}' if setting and not setting.endswith('/') else f'{setting}{name}'


def confidence_intervals(
    report: Report, ks: Sequence[int] = TOP_KS, draws: int = 1000, seed: int = 0
) -> dict[str, float]:
    """Bootstrap each search metric over the queries.

    Args:
        report: of an evaluation.
        ks: places for the top-k rates.
        draws: number of draws.
        seed: of the generator.

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
