"""Heads of 80 classes become heads of one: the person's scores and boxes stay bit-equal."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.runner import load_state_dict

from mmps.models.detectors.person_class import keep_person, person_rows
from mmps.registry import MODELS
from mmps.structures import UserError
from mmps.testing.builders import packed_batch, tiny_searcher
from mmps.testing.detectors import DETECTORS


def with_classes(name, count):
    config = ConfigDict(copy.deepcopy(DETECTORS[name]()))
    head = config.roi_head.bbox_head if name == 'faster-rcnn' else config.bbox_head
    head.num_classes = count
    return config


def drawn_weights(name, count=80):
    init_default_scope('mmdet')
    torch.manual_seed(5)
    model = MODELS.build(with_classes(name, count))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return dict(model.state_dict())


@pytest.mark.parametrize(
    ('name', 'rows', 'expected'),
    [
        ('bbox_head.retina_cls.weight', 720, list(range(0, 720, 80))),
        ('bbox_head.retina_cls.bias', 720, list(range(0, 720, 80))),
        ('bbox_head.conv_cls.weight', 80, [0]),
        ('bbox_head.atss_cls.weight', 80, [0]),
        ('roi_head.bbox_head.fc_cls.weight', 81, [0, 80]),
        ('roi_head.bbox_head.fc_cls.bias', 80, [0]),
        ('roi_head.bbox_head.fc_reg.weight', 320, [0, 1, 2, 3]),
        ('roi_head.bbox_head.fc_reg.weight', 4, None),
        ('bbox_head.retina_reg.weight', 80, None),
        ('rpn_head.rpn_cls.weight', 3, None),
        ('bbox_head.retina_cls.weight', 9, None),
        ('weight', 80, None),
    ],
)
def test_rows(name, rows, expected):
    found = person_rows(name, rows)
    assert (found if found is None else list(found)) == expected


@pytest.mark.parametrize('name', ['retinanet', 'fcos', 'atss'])
def test_dense_heads_keep_the_persons_scores(name):
    weights = drawn_weights(name)
    large = MODELS.build(with_classes(name, 80)).eval()
    large.load_state_dict(weights)
    model = tiny_searcher(detector=DETECTORS[name]())
    assert 'not match' not in str(load_state_dict(model, copy.deepcopy(weights), strict=True))
    inputs, _ = packed_batch(images=1)
    with torch.no_grad():
        ours, theirs = (m.eval()._forward(inputs) for m in (model.detector, large))
    for level, (small, whole) in enumerate(zip(ours[0], theirs[0], strict=True)):
        torch.testing.assert_close(small, whole[:, ::80], msg=f'level {level}')
    for small, whole in zip(ours[1], theirs[1], strict=True):
        assert torch.equal(small, whole)


def test_box_heads_keep_the_persons_and_the_backgrounds_score_and_the_persons_box():
    weights = drawn_weights('faster-rcnn')
    large = MODELS.build(with_classes('faster-rcnn', 80))
    large.load_state_dict(weights)
    model = tiny_searcher(detector=DETECTORS['faster-rcnn']())
    load_state_dict(model, copy.deepcopy(weights), strict=True)
    pooled = torch.randn(5, 16, 7, 7)
    with torch.no_grad():
        scores, boxes = model.detector.roi_head.bbox_head(pooled)
        all_scores, all_boxes = large.roi_head.bbox_head(pooled)
    torch.testing.assert_close(scores, all_scores[:, [0, 80]])
    torch.testing.assert_close(boxes, all_boxes[:, :4])


def test_old_names_of_layers_are_cut_too():
    weights = {
        k.replace('conv_cls', 'fcos_cls').replace('bbox_head.conv_', 'bbox_head.fcos_'): v
        for k, v in drawn_weights('fcos').items()
    }
    assert 'bbox_head.fcos_cls.weight' in weights
    model = tiny_searcher(detector=DETECTORS['fcos']())
    load_state_dict(model, copy.deepcopy(weights), strict=True)
    expected = weights['bbox_head.fcos_cls.weight'][:1]
    assert torch.equal(model.detector.bbox_head.conv_cls.weight, expected)


def test_a_model_of_80_classes_keeps_them():
    weights = drawn_weights('retinanet')
    model = tiny_searcher(detector=with_classes('retinanet', 80))
    load_state_dict(model, copy.deepcopy(weights), strict=True)
    assert torch.equal(model.detector.bbox_head.retina_cls.weight,
                       weights['bbox_head.retina_cls.weight'])  # fmt: skip


def test_cutting_tells_what_it_cut_and_leaves_the_rest():
    weights = drawn_weights('retinanet')
    before = dict(weights)
    changed = keep_person(weights)
    assert changed == ['bbox_head.retina_cls.weight', 'bbox_head.retina_cls.bias']
    assert all(weights[k] is before[k] for k in weights if k not in changed)


@pytest.mark.parametrize(
    ('name', 'count', 'message'),
    [
        ('retinanet', 20, r'bbox_head\.retina_cls\.(weight|bias) has shape .*\(60,.*same detector'),
        ('faster-rcnn', 20, r'roi_head\.bbox_head\.fc_\w+\.(weight|bias) has shape'),
    ],
)
def test_another_number_of_classes_is_told(name, count, message):
    model = tiny_searcher(detector=DETECTORS[name]())
    with pytest.raises(UserError, match=message):
        load_state_dict(model, drawn_weights(name, count))


def test_another_trunk_is_told():
    weights = drawn_weights('retinanet', 1)
    weights['backbone.layer1.0.conv1.weight'] = torch.zeros(64, 16, 3, 3)
    with pytest.raises(UserError, match=r'layer1\.0\.conv1\.weight has shape \(64, 16, 3, 3\)'):
        load_state_dict(tiny_searcher(), weights)
