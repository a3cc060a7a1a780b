from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mmps.testing.reference_evaluator import Person, Query


def xyxy(box):
    return None if box is None else [box[0], box[1], box[0] + box[2], box[1] + box[3]]


@pytest.fixture(scope='session')
def plain():
    """Turn drawn data into what the reference evaluator takes."""

    def convert(data):
        position = {image['id']: i for i, image in enumerate(data.annotation['images'])}
        cameras = {i: image['camera_id'] for i, image in enumerate(data.annotation['images'])}
        people = [
            Person(position[a['image_id']], xyxy(a['bbox']), a['person_id'])
            for a in data.annotation['annotations']
        ]
        predictions = data.predictions
        images = np.array([position[i] for i in predictions.image_ids.tolist()], dtype=int)
        detections = {}
        for image in sorted(set(images.tolist())):
            rows = np.flatnonzero(images == image)
            detections[image] = (
                predictions.bboxes[rows].tolist(),
                predictions.scores[rows].tolist(),
                predictions.embeddings[rows],
            )
        queries = [
            Query(position[q['image_id']], q['person_id'], q['camera_id'])
            for q in data.annotation['queries']
        ]
        galleries = [[(position[i], xyxy(box)) for i, box in g] for g in data.galleries[100]]
        return SimpleNamespace(
            cameras=cameras,
            people=people,
            detections=detections,
            queries=queries,
            galleries=galleries,
            embeddings=predictions.query_embeddings,
        )

    return convert
