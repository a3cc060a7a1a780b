from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmps.structures import UNLABELLED
from mmps.visualization.annotated_images import (
    GREY,
    QUERY,
    annotate,
    boxes_follow_resize,
    identity_colour,
    leaf_datasets,
)


def sample(boxes, ids, queries=(), scale=(1.0, 1.0), ignored=()):
    made = DetDataSample(metainfo={'scale_factor': scale})
    made.gt_instances = people(boxes, ids)
    made.ignored_instances = people(ignored, [UNLABELLED] * len(ignored))
    made.query_instances = InstanceData(bboxes=torch.tensor(queries).reshape(-1, 4).float())
    return made


def people(boxes, ids):
    return InstanceData(
        bboxes=torch.tensor(boxes).reshape(-1, 4).float(), person_ids=torch.tensor(ids).long()
    )


def colours(image, box):
    x1, y1, x2, y2 = box
    return {tuple(image[y2, x].tolist()) for x in range(x1 + 2, x2 - 1)} | {
        tuple(image[y, x2].tolist()) for y in range(y1 + 2, y2 - 1)
    }


def blank(width=100, height=80):
    return torch.zeros(3, height, width)


def test_identities_get_different_colours_and_strangers_grey():
    assert identity_colour(UNLABELLED) == GREY
    assert len({identity_colour(k) for k in range(60)}) == 60
    assert identity_colour(7) == identity_colour(7)


def test_boxes_are_drawn_in_their_colours():
    boxes = [[10, 10, 40, 60], [50, 10, 80, 60]]
    image = annotate(blank(), sample(boxes, [3, UNLABELLED]), boxes_follow=True)
    assert image.shape == (80, 100, 3)
    assert colours(image, boxes[0]) == {identity_colour(3)}
    assert colours(image, boxes[1]) == {GREY}


def test_ignore_regions_are_crossed_out():
    image = annotate(blank(), sample([], [], ignored=[[10, 10, 50, 50]]), boxes_follow=True)
    assert image[30, 30].any()


@pytest.mark.parametrize('boxes_follow', [True, False])
def test_boxes_of_the_file_are_scaled(boxes_follow):
    boxes = [[10, 10, 40, 60]]
    made = sample(boxes, [3], scale=(2.0, 0.5))
    image = annotate(blank(), made, boxes_follow=boxes_follow)
    drawn = boxes[0] if boxes_follow else [20, 5, 80, 30]
    assert colours(image, drawn) == {identity_colour(3)}


def test_queries_have_a_second_frame_scaled_with_the_image():
    made = sample([], [], queries=[[10, 20, 20, 60]], scale=(2.0, 0.5))
    image = annotate(blank(), made, boxes_follow=True)
    assert tuple(image[33, 30].tolist()) == QUERY


def test_joined_data_sets_are_taken_apart():
    leaf = [SimpleNamespace(name=k) for k in range(3)]
    inner = SimpleNamespace(datasets=leaf[1:])
    assert list(leaf_datasets(SimpleNamespace(datasets=[leaf[0], inner]))) == leaf
    assert list(leaf_datasets(SimpleNamespace(dataset=leaf[0]))) == leaf[:1]
    assert list(leaf_datasets(leaf[0])) == leaf[:1]


@pytest.mark.parametrize(
    ('names', 'follow'),
    [
        (['LoadScene', 'LoadPeople', 'Resize'], True),
        (['LoadScene', 'Resize', 'LoadPeople'], False),
        (['LoadScene', 'LoadPeople'], True),
        (['LoadImageFromFile', 'Resize', 'LoadAnnotations'], False),
    ],
)
def test_whether_boxes_follow_is_read_from_the_pipeline(names, follow):
    transforms = [type(name, (), {})() for name in names]
    dataset = SimpleNamespace(pipeline=SimpleNamespace(transforms=transforms))
    assert boxes_follow_resize(dataset) == follow


def test_the_input_is_left_alone():
    inputs = blank()
    annotate(inputs, sample([[10, 10, 40, 60]], [1]), boxes_follow=True)
    assert not np.any(inputs.numpy())
