"""Boxes of other categories are nobody: whatever is annotated beside people changes no number."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmps.evaluation import (
    CUHKSYSUProtocol,
    GenericProtocol,
    GroundTruth,
    PersonSearchMetric,
    PRWOfficialProtocol,
    evaluate_predictions,
)
from mmps.testing.search_data import random_search_data


@pytest.fixture(params=range(3))
def case(request, tmp_path):
    """A search, and the same with cars between the people."""
    data = random_search_data(np.random.default_rng(request.param), num_images=6, num_queries=4)
    for folder in ('plain', 'cars'):
        (tmp_path / folder).mkdir()
    plain, _ = data.write(tmp_path / 'plain')
    with_cars, _ = data.write(tmp_path / 'cars')
    content = json.loads(with_cars.read_text())
    content['categories'] = [{'id': 0, 'name': 'person'}, {'id': 5, 'name': 'car'}]
    mixed, rows = [], []
    for row, person in enumerate(content['annotations']):
        # A car where the person stands would take the person's place under any rule.
        mixed += [{**person, 'id': 1000 + row, 'category_id': 5}, person]
        rows += [-1, row]
    content['annotations'] = mixed
    with_cars.write_text(json.dumps(content))
    embeddings = np.concatenate([data.predictions.gt_embeddings, np.zeros((1, 3), np.float32)])
    return data, plain, with_cars, replace(data.predictions, gt_embeddings=embeddings[rows])


@pytest.mark.parametrize('protocol', [GenericProtocol, CUHKSYSUProtocol, PRWOfficialProtocol])
def test_no_number_changes(case, protocol):
    data, plain, with_cars, predictions = case
    gt_boxes = protocol is not PRWOfficialProtocol
    expected = evaluate_predictions(
        GroundTruth.load(plain), data.predictions, protocol(), gt_boxes=gt_boxes
    )
    found = evaluate_predictions(
        GroundTruth.load(with_cars), predictions, protocol(), gt_boxes=gt_boxes
    )
    assert found.metrics == expected.metrics


def test_a_test_pass_brings_no_cars(case):
    data, plain, with_cars, _ = case

    def numbers(path, stride):
        metric = PersonSearchMetric(str(path), {'type': 'mmps.GenericProtocol'})
        for image in data.annotation['images']:
            metric.process(None, [sample(data, image, stride).to_dict()])
        return metric.evaluate(len(data.annotation['images']))

    assert numbers(with_cars, 2) == numbers(plain, 1)


def sample(data, image, stride):
    """One image as tested; people are every ``stride``-th annotation, the last of each group."""
    predictions = data.predictions
    found = DetDataSample(metainfo={'img_id': image['id']})
    rows = np.flatnonzero(predictions.image_ids == image['id'])
    found.pred_instances = InstanceData(
        bboxes=torch.from_numpy(predictions.bboxes[rows]),
        scores=torch.from_numpy(predictions.scores[rows]),
        embeddings=torch.from_numpy(predictions.embeddings[rows]),
    )
    for name, key, items, embeddings, step in (
        ('gt_instances', 'ann_indices', 'annotations', predictions.gt_embeddings, stride),
        ('query_instances', 'query_indices', 'queries', predictions.query_embeddings, 1),
    ):
        here = [k for k, r in enumerate(data.annotation[items]) if r['image_id'] == image['id']]
        positions = torch.tensor([step * k + step - 1 for k in here], dtype=torch.long)
        instances = InstanceData(embeddings=torch.from_numpy(embeddings[here]))
        instances.set_field(positions, key)
        found.set_field(instances, name)
    return found
