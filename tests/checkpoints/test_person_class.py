"""Heads of 80 classes become heads of one: the person's scores and boxes stay bit-equal."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.runner import load_state_dict

from mmps.checkpoints.person_class import keep_person, person_rows
from mmps.registry import MODELS
from mmps.structures import UserError
from mmps.testing.builders import packed_batch, tiny_detector, tiny_searcher
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
        ('bbox_head.cls_branches.6.weight', 80, [0]),
        ('bbox_head.fc_cls.bias', 81, [0, 80]),
        ('bbox_head.cls_convs.1.1.weight', 324, [0, 80, 81, 161, 162, 242, 243, 323]),
        ('bbox_head.multi_level_conv_cls.2.bias', 80, [0]),
        ('bbox_head.rtm_cls.0.weight', 80, [0]),
        ('bbox_head.reppoints_cls_out.weight', 80, [0]),
        ('bbox_head.cls_score.weight', 400, list(range(0, 400, 80))),
        ('dn_query_generator.label_embedding.weight', 80, [0]),
        ('roi_head.mask_head.conv_logits.weight', 80, [0]),
        ('bbox_head.conv_cls.weight', 243, [0, 80, 81, 161, 162, 242]),
        ('bbox_head.center_prior.sigma', 80, [0]),
        # Towers whose width is a multiple of 80, as RTMDet's and YOLOX's largest have.
        ('bbox_head.cls_convs.0.1.conv.weight', 320, None),
        ('bbox_head.multi_level_cls_convs.0.1.bn.weight', 320, None),
        ('bbox_head.cls_convs.0.1.pointwise_conv.weight', 160, None),
        ('neck.lateral_convs.0.conv_cls.weight', 80, None),
        ('bbox_head.vfnet_cls.weight', 91, None),
    ],
)
def test_rows(name, rows, expected):
    found = person_rows(name, rows)
    assert (found if found is None else list(found)) == expected


@pytest.mark.parametrize(
    ('name', 'rows', 'wanted', 'expected'),
    [
        ('anything.weight', 80, 1, [0]),
        ('anything.weight', 365, 1, [0]),
        ('anything.weight', 81, 2, [0, 80]),
        ('anything.weight', 160, 2, None),  # open whether by anchors or by classes
        ('bbox_head.new_cls.weight', 160, 2, [0, 80]),
        ('bbox_head.conv_cls.weight', 243, 6, [0, 80, 81, 161, 162, 242]),
        ('bbox_head.convs_pred.0.weight', 255, 18,
         [*range(6), *range(85, 91), *range(170, 176)]),
        ('roi_head.mask_head.0.fc_logits.weight', 80 * 49, 49, list(range(49))),
        ('roi_head.bbox_head.fc_reg.weight', 320, 4, [0, 1, 2, 3]),
        ('bbox_head.retina_cls.weight', 720, 3, None),  # nine anchors are not three
        ('bbox_head.retina_cls.weight', 9, 9, None),
        ('bbox_head.gfl_cls.weight', 91, 1, None),
        ('bbox_head.gfl_cls.weight', 20, 1, None),
        ('bbox_head.fc_cls.weight', 81, 1, None),
        ('query_embedding.weight', 300, 100, None),
        ('backbone.layer1.weight', 80, 1, None),
    ],
)  # fmt: skip
def test_rows_that_a_model_of_one_class_needs(name, rows, wanted, expected):
    found = person_rows(f'detector.{name}', rows, wanted)
    assert (found if found is None else list(found)) == expected
    assert found is None or len(found) == wanted


def test_rows_of_a_yolov3_are_those_that_its_head_reads():
    numbers = torch.arange(255).reshape(1, 255, 1, 1).expand(1, 255, 2, 2)
    read = numbers.permute(0, 2, 3, 1).reshape(1, -1, 85)[0, :3, [0, 1, 2, 3, 4, 5]]
    assert person_rows('bbox_head.convs_pred.0.bias', 255) == read.flatten().tolist()


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


def test_another_trunk_is_told():
    weights = drawn_weights('retinanet', 1)
    weights['backbone.layer1.0.conv1.weight'] = torch.zeros(64, 16, 3, 3)
    with pytest.raises(UserError, match=r'layer1\.0\.conv1\.weight has shape \(64, 16, 3, 3\)'):
        load_state_dict(tiny_searcher(), weights)


@pytest.mark.parametrize('deeper', ['file', 'model'])
def test_a_trunk_of_another_depth_is_told(deeper):
    deep, flat = (
        tiny_detector(backbone={'type': 'ResNet', 'depth': depth, 'base_channels': 16})
        for depth in (34, 18)
    )
    init_default_scope('mmdet')
    weights = MODELS.build(deep if deeper == 'file' else flat).state_dict()
    model = tiny_searcher(detector=flat if deeper == 'file' else deep)
    with pytest.raises(UserError, match=r'blocks in .*backbone.layer\d is \d, in the model.*depth'):
        load_state_dict(model, dict(weights))


def test_numbers_beside_the_weights_are_passed_over():
    weights = {**drawn_weights('retinanet', 1), 'epoch': 3, 'bbox_head.note': [1]}
    model = tiny_searcher()
    load_state_dict(model, weights)
    name = 'backbone.conv1.weight'
    assert torch.equal(model.detector.state_dict()[name], weights[name])
