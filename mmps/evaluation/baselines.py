"""Baselines without learning: chance, and the colours of clothes. Publish them beside results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions
from mmps.images import read_image

from .evaluator import evaluate_predictions
from .protocols.base import SearchProtocol

NUM_STRIPES = 12


def random_embeddings(
    predictions: Predictions, ground_truth: GroundTruth, seed: int, size: int = 128
) -> Predictions:
    """Keep the boxes, draw random unit embeddings.

    Args:
        predictions: Predictions whose boxes and scores are kept.
        ground_truth: Determines the numbers of queries and annotations.
        seed: Seed of the generator.
        size: Numbers per embedding.
    """
    generator = np.random.default_rng(seed)

    def draw(count: int) -> np.ndarray:
        return unit_rows(generator.standard_normal((count, size), dtype=np.float32))

    return replace(
        predictions,
        embeddings=draw(len(predictions.scores)),
        query_embeddings=draw(ground_truth.num_queries),
        gt_embeddings=draw(ground_truth.num_annotations),
    )


def chance_metrics(
    predictions: Predictions,
    ground_truth: GroundTruth,
    protocol: SearchProtocol,
    score_thr: float = 0.0,
    draws: int = 5,
    seed: int = 0,
) -> dict[str, float]:
    """Average the metrics of several draws of random embeddings on the same boxes.

    Args:
        predictions: Predictions whose boxes and scores are kept.
        ground_truth: The annotation file's content.
        protocol: Galleries and rules.
        score_thr: Detections below it are left out.
        draws: Number of draws.
        seed: Seed of the first draw; the others count up from it.

    Returns:
        Fractions in 0..1 by key, with detected and with annotated boxes (``gt/``).
    """
    runs = [
        evaluate_predictions(
            ground_truth,
            random_embeddings(predictions, ground_truth, seed + draw),
            protocol,
            score_thr,
            gt_boxes=True,
        ).metrics
        for draw in range(draws)
    ]
    return {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}


def colour_stripes(image: np.ndarray, bboxes: np.ndarray) -> np.ndarray:
    """Average the colour in horizontal stripes of each box.

    Args:
        image: ``(height, width, 3)`` bytes.
        bboxes: ``(N, 4)`` xyxy in pixels of the image; what lies outside is left out.

    Returns:
        ``(N, 36)`` mean channels of 12 stripes from top to bottom, in 0..1; 0 for boxes without a
        pixel in the image.
    """
    height, width = image.shape[:2]
    limits = np.array([width, height, width, height])
    corners = np.clip(np.round(bboxes), 0, limits).astype(int)
    stripes = np.zeros((len(bboxes), NUM_STRIPES, 3), dtype=np.float32)
    for row, (x1, y1, x2, y2) in zip(stripes, corners, strict=True):
        if x2 > x1 and y2 > y1:
            crop = image[y1:y2, x1:x2]
            row[:] = cv2.resize(crop, (1, NUM_STRIPES), interpolation=cv2.INTER_AREA)[:, 0]
    return stripes.reshape(len(bboxes), NUM_STRIPES * 3) / 255


def colour_predictions(
    predictions: Predictions,
    ground_truth: GroundTruth,
    image_root: str | Path,
    progress: Callable[[int, int], None] | None = None,
) -> Predictions:
    """Keep the boxes, take the colours of their stripes as embeddings.

    Colours are measured from mid-grey and brought to length 1, so that similarity does not grow
    with brightness.

    Args:
        predictions: Predictions whose boxes and scores are kept.
        ground_truth: Queries, annotated boxes and file names.
        image_root: Folder that ``file_name`` is relative to.
        progress: Called with the numbers of finished and of all images.

    Raises:
        DataError: An image is missing or cannot be read.
    """
    images = ground_truth.image_positions(predictions.image_ids, 'image_ids of the predictions')
    groups = (
        (images, predictions.bboxes),
        (ground_truth.query_images, ground_truth.query_bboxes),
        (ground_truth.images, ground_truth.bboxes),
    )
    colours = [np.zeros((len(bboxes), NUM_STRIPES * 3), dtype=np.float32) for _, bboxes in groups]
    for position, name in enumerate(ground_truth.file_names):
        image = read_image(Path(image_root) / name)
        for (images, bboxes), rows in zip(groups, colours, strict=True):
            here = np.flatnonzero(images == position)
            rows[here] = colour_stripes(image, bboxes[here])
        if progress is not None:
            progress(position + 1, ground_truth.num_images)
    detected, queries, annotated = (unit_rows(rows - 0.5) for rows in colours)
    return replace(
        predictions, embeddings=detected, query_embeddings=queries, gt_embeddings=annotated
    )


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Bring each row to length 1; rows of zeros stay.

    Args:
        rows: ``(N, D)``.
    """
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, np.finfo(rows.dtype).tiny)
