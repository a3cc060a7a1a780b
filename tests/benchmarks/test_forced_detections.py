from __future__ import annotations

import pytest
import torch
from mmdet.structures.bbox import bbox_overlaps

from mmps.benchmarks import PlantedPeople
from mmps.benchmarks.forced_detections import people_on_a_grid
from mmps.benchmarks.variants import empty_samples


@pytest.mark.parametrize('count', [1, 5, 20, 50, 100])
def test_people_are_inside_and_do_not_suppress_each_other(count):
    boxes = people_on_a_grid(count, (640, 640))
    assert boxes.shape == (count, 4)
    assert boxes.min() >= 0
    assert boxes.max() <= 640
    overlaps = bbox_overlaps(boxes, boxes) - torch.eye(count)
    assert overlaps.max() < 0.5
    heights = boxes[:, 3] - boxes[:, 1]
    assert (heights >= 89).all()
    torch.testing.assert_close(boxes[:, 2] - boxes[:, 0], heights / 2)


@pytest.mark.parametrize('count', [1, 4, 9])
def test_a_detector_finds_exactly_them_in_every_image(variants, count):
    model = variants[0].model
    inputs = torch.zeros(2, 3, 256, 256)
    model.detector.bbox_head.test_cfg.update(nms_pre=1000, max_per_img=50, score_thr=0.05)
    with PlantedPeople(model.detector.bbox_head, count), torch.no_grad():
        found = model.detector.predict(inputs, empty_samples(2, 256))
    expected = people_on_a_grid(count, (256, 256))
    for sample in found:
        boxes = sample.pred_instances.bboxes
        assert len(boxes) == count
        overlaps = bbox_overlaps(boxes, expected)
        assert overlaps.amax(1).min() > 0.99
        assert sorted(overlaps.argmax(1).tolist()) == list(range(count))


def test_the_scene_is_made_once_for_each_size(variants, monkeypatch):
    head = variants[0].model.detector.bbox_head
    made, make = [], PlantedPeople._make
    noted = lambda self, *args: made.append(1) or make(self, *args)  # noqa: E731
    monkeypatch.setattr(PlantedPeople, '_make', noted)
    planter = PlantedPeople(head, 4)
    detector = variants[0].model.detector
    detector.bbox_head.test_cfg.update(nms_pre=1000, max_per_img=50, score_thr=0.05)
    found = []
    for size in (256, 256, 320):
        with planter, torch.no_grad():
            (sample,) = detector.predict(torch.zeros(1, 3, size, size), empty_samples(1, size))
        found.append(sample.pred_instances.bboxes)
    assert len(made) == 2
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)


def test_the_head_is_left_alone_afterwards(variants):
    head = variants[0].model.detector.bbox_head
    with PlantedPeople(head, 3):
        assert head._forward_hooks
    assert not head._forward_hooks
