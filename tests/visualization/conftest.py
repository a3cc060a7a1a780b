from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from mmps.evaluation import GroundTruth, Predictions


@pytest.fixture
def scene(tmp_path):
    """Three images with persons 0 and 1 and an unlabelled one; the query is person 0, image 10.

    The detections of images 11 and 12 are, in the order of similarity: person 1, person 0,
    the unlabelled one, and nobody.
    """
    for index in (10, 11, 12):
        cv2.imwrite(str(tmp_path / f'{index}.jpg'), np.full((60, 80, 3), 3 * index, np.uint8))
    images = [{'id': i, 'file_name': f'{i}.jpg', 'camera_id': i % 2} for i in (10, 11, 12)]
    people = [(10, 0, 0), (11, 0, 0), (11, 30, 1), (12, 0, -1)]
    annotations = [
        {'id': n, 'image_id': image, 'bbox': [x, 5, 20, 40], 'person_id': person}
        for n, (image, x, person) in enumerate(people)
    ]
    query = {'image_id': 10, 'bbox': [0, 5, 20, 40], 'person_id': 0, 'camera_id': None}
    content = {'images': images, 'annotations': annotations, 'queries': [query]}
    (tmp_path / 'test.json').write_text(json.dumps(content))
    boxes = [(10, 0), (11, 1), (11, 30), (12, 2), (12, 50)]
    predictions = Predictions(
        image_ids=np.array([image for image, _ in boxes]),
        bboxes=np.array([[x, 5, x + 20, 45] for _, x in boxes], np.float32),
        scores=np.ones(5, np.float32),
        embeddings=np.array([[1.0], [0.7], [0.8], [0.6], [0.5]], np.float32),
        query_embeddings=np.ones((1, 1), np.float32),
    )
    return GroundTruth.load(tmp_path / 'test.json'), predictions, tmp_path


@pytest.fixture
def write_log(tmp_path):
    """Writes a log as MMEngine's LocalVisBackend does; returns the work directory."""

    def write(records, run='20260101_000000', work_dir=tmp_path / 'some-run'):
        folder = work_dir / run / 'vis_data'
        folder.mkdir(parents=True)
        (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, records)) + '\n')
        return work_dir

    return write


@pytest.fixture
def two_phases():
    detection = [
        {'lr': 0.1, 'loss': 3.0 - n, 'loss_cls': 2.0 - n, 'loss_bbox': 1.0, 'step': 10 * n}
        for n in (1, 2)
    ]
    validation = [{'det/AP': 0.5, 'det/recall': 0.6, 'time': 0.1, 'data_time': 0.1, 'step': 1}]
    reid = [
        {'lr': 0.2, 'loss': 0.3, 'loss_triplet': 0.3, 'active_triplets': 0.9, 'step': 10 * n}
        for n in (3, 4, 5)
    ]
    final = [{'det/AP': 0.7, 'g100/mAP': 0.4, 'g100/top1': 0.5, 'g100/top10': 0.9, 'step': 2}]
    return [*detection, *validation, *reid, *final]


@pytest.fixture
def results():
    def row(value):
        detected = {'mAP': 0.8 * value, 'top1': value}
        return {'gt': {'mAP': value, 'top1': value + 0.1}, 'detected': detected}

    baselines = {'untrained_j2': row(0.2), 'chance': row(0.01), 'colour': row(0.3)}
    return {
        'detector': {'AP50': 0.9, 'recall': 0.95},
        'variants': {'j2': row(0.7), 'j3': row(0.5)},
        'baselines': baselines,
        'seconds': {'draw': 1.0},
    }
