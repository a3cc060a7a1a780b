"""Where a query's embedding comes from, if not from its annotated box."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions

from .detections import Detections
from .functional.matching import best_of_each, paired_iou, pairs_within_groups, with_last_pixel


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
    detections = Detections.from_predictions(predictions, ground_truth)
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
