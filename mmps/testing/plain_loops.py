"""Full-size evaluations in plain loops, one query at a time, from the arrays of the evaluator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mmps.formats.galleries import Galleries
from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions

from . import reference_evaluator, reference_prw_official

Reference = Callable[[int], float]
"""Computes the average precision of one query."""


def cuhk_sysu_reference(
    ground_truth: GroundTruth, predictions: Predictions, galleries: Galleries
) -> Reference:
    """Prepare CUHK-SYSU's rule.

    Args:
        ground_truth: People and queries; image ids are positions.
        predictions: Boxes and embeddings.
        galleries: Gallery of each query.
    """
    detections = plain_detections(ground_truth, predictions)
    boxes = dict(zip(galleries.person_entries.tolist(), galleries.person_bboxes, strict=True))

    def reference(query: int) -> float:
        own = range(galleries.offsets[query], galleries.offsets[query + 1])
        entries = [(int(galleries.image_ids[e]), boxes.get(e)) for e in own]
        embedding = predictions.query_embeddings[query]
        return reference_evaluator.search_one_query(embedding, entries, detections, True)[0]

    return reference


def prw_reference(ground_truth: GroundTruth, predictions: Predictions) -> Reference:
    """Prepare PRW's usual rule.

    Args:
        ground_truth: People and queries.
        predictions: Boxes and embeddings.
    """
    detections = plain_detections(ground_truth, predictions)
    people = plain_people(ground_truth)
    cameras = dict(enumerate(ground_truth.image_cameras.tolist()))

    def reference(query: int) -> float:
        wanted = plain_query(ground_truth, query)
        own = [person for person in people if person.person_id == wanted.person_id]
        entries = reference_evaluator.other_image_entries(wanted, cameras, own, False, True)
        embedding = predictions.query_embeddings[query]
        return reference_evaluator.search_one_query(embedding, entries, detections, True)[0]

    return reference


def official_reference(ground_truth: GroundTruth, predictions: Predictions) -> Reference:
    """Prepare PRW's official rule.

    Args:
        ground_truth: People and queries.
        predictions: Boxes and embeddings.
    """
    detections = plain_detections(ground_truth, predictions)
    cameras = dict(enumerate(ground_truth.image_cameras.tolist()))
    by_image: dict[int, list] = {}
    for person in plain_people(ground_truth):
        by_image.setdefault(person.image, []).append(person)
    names, missed = {}, []
    for image, group in detections.items():
        own_names, own_missed = reference_prw_official.assign(
            {image: group}, by_image.get(image, [])
        )
        names |= own_names
        missed += own_missed

    def reference(query: int) -> float:
        return reference_prw_official.search_one_query(
            plain_query(ground_truth, query),
            predictions.query_embeddings[query],
            cameras,
            detections,
            (names, missed),
            score_thr=0.0,
        )[0]

    return reference


def plain_detections(
    ground_truth: GroundTruth, predictions: Predictions
) -> reference_evaluator.DetectionsOfImages:
    """Group boxes by image."""
    positions = {image_id: k for k, image_id in enumerate(ground_truth.image_ids.tolist())}
    rows: dict[int, list[int]] = {}
    for row, image_id in enumerate(predictions.image_ids.tolist()):
        rows.setdefault(positions[image_id], []).append(row)
    return {
        image: (
            predictions.bboxes[own].tolist(),
            predictions.scores[own].tolist(),
            predictions.embeddings[own],
        )
        for image, own in sorted(rows.items())
    }


def plain_people(ground_truth: GroundTruth) -> list[reference_evaluator.Person]:
    """List annotated boxes."""
    rows = zip(ground_truth.images, ground_truth.bboxes, ground_truth.person_ids, strict=True)
    return [reference_evaluator.Person(int(i), b.tolist(), int(p)) for i, b, p in rows]


def plain_query(ground_truth: GroundTruth, query: int) -> reference_evaluator.Query:
    """Describe a query."""
    values = (
        ground_truth.query_images,
        ground_truth.query_person_ids,
        ground_truth.query_cameras,
    )
    return reference_evaluator.Query(*(int(np.asarray(value)[query]) for value in values))
