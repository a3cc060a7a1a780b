"""Ranked lists of a test set: from annotations and predictions to what the sheet shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmps.evaluation.functional.matching import paired_iou
from mmps.formats.ground_truth import NO_CAMERA, GroundTruth
from mmps.formats.predictions import Predictions
from mmps.retrieval import Nearest, nearest_rows
from mmps.structures import is_labelled

from .ranked_list import RIGHT, UNKNOWN, WRONG, Hit, RankedList

MATCHING_IOU = 0.5


def ranked_lists(
    ground_truth: GroundTruth,
    predictions: Predictions,
    data_root: str | Path,
    queries: Sequence[int],
    top_k: int = 8,
    galleries: Sequence[np.ndarray] | None = None,
) -> list[RankedList]:
    """Search some queries and judge their best hits.

    Args:
        ground_truth: The annotation file's content.
        predictions: Boxes and embeddings.
        data_root: Folder that ``file_name`` is relative to.
        queries: Positions in the file's ``queries``.
        top_k: Hits per query.
        galleries: For each query the positions of its gallery's images; all images but the
            query's own where not given.

    Raises:
        ValueError: If the predictions hold no embeddings, a query is not in the file, or no hits
            are wanted.
    """
    if top_k < 1:
        raise ValueError(f'top_k must be at least 1, not {top_k}: say how many hits to show')
    if not predictions.has_embeddings:
        raise ValueError('the predictions hold no embeddings: write them with tools/test.py --out')
    images = ground_truth.image_positions(predictions.image_ids, 'image_ids of the predictions')
    lists = []
    for index, query in enumerate(queries):
        if not 0 <= query < ground_truth.num_queries:
            raise ValueError(
                f'query {query} is not among the {ground_truth.num_queries} queries of '
                f'{ground_truth.path}: count them from 0'
            )
        own = images == ground_truth.query_images[query]
        searched = ~own if galleries is None else np.isin(images, galleries[index])
        best = nearest_rows(
            predictions.query_embeddings[[query]], predictions.embeddings, top_k, searched
        )
        lists.append(_ranked_list(ground_truth, predictions, Path(data_root), query, best, images))
    return lists


def spread_queries(ground_truth: GroundTruth, count: int) -> list[int]:
    """Choose queries of different people, evenly over the file and without looking at results.

    Args:
        ground_truth: The annotation file's content.
        count: How many; fewer come back where there are fewer people.
    """
    first_of_each = np.sort(np.unique(ground_truth.query_person_ids, return_index=True)[1])
    count = min(count, len(first_of_each))
    chosen = (np.arange(count) + 0.5) * len(first_of_each) / max(count, 1)
    return first_of_each[chosen.astype(int)].tolist()


def judge(ground_truth: GroundTruth, image: int, box: np.ndarray, person_id: int) -> str:
    """Check whether a box shows a person: by the annotated box that it overlaps most.

    Args:
        ground_truth: The annotation file's content.
        image: Position of the box's image.
        box: ``(4,)`` xyxy.
        person_id: Identity of the person who is searched for.

    Returns:
        ``right``, ``wrong``, or ``unknown`` where that box has no identity or the IoU is below 0.5.
    """
    people = np.flatnonzero((ground_truth.images == image) & ground_truth.people)
    overlaps = paired_iou(ground_truth.bboxes[people], np.tile(box, (len(people), 1)))
    if len(people) == 0 or overlaps.max() < MATCHING_IOU:
        return UNKNOWN
    found = ground_truth.person_ids[people[overlaps.argmax()]]
    if not is_labelled(found):
        return UNKNOWN
    return RIGHT if found == person_id else WRONG


def _ranked_list(
    ground_truth: GroundTruth,
    predictions: Predictions,
    data_root: Path,
    query: int,
    best: Nearest,
    images: np.ndarray,
) -> RankedList:
    person_id = int(ground_truth.query_person_ids[query])
    hits = [
        Hit(
            image_path=data_root / ground_truth.file_names[images[row]],
            box=predictions.bboxes[row],
            score=float(similarity),
            match=judge(ground_truth, images[row], predictions.bboxes[row], person_id),
            caption=_camera(ground_truth.image_cameras[images[row]]),
        )
        for row, similarity in zip(best.positions[0], best.similarities[0], strict=True)
    ]
    return RankedList(
        image_path=data_root / ground_truth.file_names[ground_truth.query_images[query]],
        box=ground_truth.query_bboxes[query],
        hits=hits,
        title=f'query {query}, person {person_id}',
        caption=_camera(ground_truth.query_cameras[query]),
    )


def _camera(camera: int) -> str:
    return '' if camera == NO_CAMERA else f'camera {camera}'
