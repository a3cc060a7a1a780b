from __future__ import annotations

import copy

import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn

from mmps.models.inference import fold_normalisation
from mmps.models.inference.folding import has_normalisation
from mmps.registry import MODELS
from mmps.structures.originals import ORIGINAL_IMAGE
from mmps.testing.builders import packed_batch, tiny_detector, tiny_searcher
from mmps.testing.detectors import DETECTORS

DCN = {'dcn': {'type': 'DCNv2', 'deform_groups': 1, 'fallback_on_stride': False},
       'stage_with_dcn': (False, True, True, True), 'depth': 50}  # fmt: skip
SIZE = (160, 192)


def dcn_detector():
    config = tiny_detector()
    config.backbone.update(DCN)
    config.neck.in_channels = [64, 128, 256, 512]
    return config


KINDS = {**DETECTORS, 'dcn': dcn_detector, 'disjoint': tiny_detector}


def stir(model):
    """Let normalisation and offsets do something."""
    torch.manual_seed(1)
    for layer in model.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
        if hasattr(layer, 'conv_offset'):  # of a deformable convolution, which begins with zeros
            nn.init.normal_(layer.conv_offset.weight, 0, 0.01)
    return model.eval()


@pytest.fixture(params=KINDS)
def model(request):
    detector = KINDS[request.param]()
    if request.param != 'disjoint':
        return stir(tiny_searcher(3, detector))
    init_default_scope('mmdet')
    torch.manual_seed(0)
    branch = {'pooling': {'output_size': (32, 16)}, 'head': {'embedding_channels': 8}}
    model = MODELS.build(
        {'type': 'mmps.DisjointDetector', 'detector': detector, 'reid_branch': branch}
    )
    model.init_weights()
    return stir(model)


@torch.no_grad()
def predictions(model):
    inputs, samples = packed_batch(size=SIZE)
    for sample, image in zip(samples, inputs, strict=True):
        sample.set_field((image * 40 + 120).clamp(0, 255).byte(), ORIGINAL_IMAGE)
    return model.predict(inputs, samples)


def assert_close(found, expected, tolerance):
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=1e-4)


def test_boxes_and_embeddings_stay_the_same_one_by_one(model):
    expected = predictions(model)
    assert fold_normalisation(model) == []
    for found, sample in zip(predictions(model), expected, strict=True):
        people, before = found.pred_instances, sample.pred_instances
        assert len(before) == 10
        # Scores of random weights nearly tie: each box has its counterpart.
        distance = (people.bboxes[:, None] - before.bboxes).abs().amax(-1)
        nearest = distance.argmin(1)
        assert distance.amin(1).max() < 0.02
        assert sorted(nearest.tolist()) == list(range(10))
        assert_close(people.scores, before.scores[nearest], 1e-5)
        assert_close(people.embeddings, before.embeddings[nearest], 1e-4)
        for field in ('gt_instances', 'query_instances'):
            assert_close(found.get(field).embeddings, sample.get(field).embeddings, 1e-5)
        assert before.embeddings.std(0).mean() > 1e-3


def test_nothing_is_left_to_fold_but_what_follows_no_convolution(model):
    fold_normalisation(model)
    left = [n for n, m in model.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    deformable = any('conv_offset' in name for name, _ in model.named_modules())
    assert all(name.endswith('bn2') for name in left)
    assert bool(left) == deformable


def test_a_detector_alone_is_folded(model):
    detector = model.detector
    plain = copy.deepcopy(detector)
    assert fold_normalisation(detector) == []
    inputs, _ = packed_batch(size=SIZE)
    with torch.no_grad():
        pairs = zip(detector.extract_feat(inputs), plain.extract_feat(inputs), strict=True)
        for found, expected in pairs:
            assert_close(found, expected, 1e-4 * expected.abs().max().item())


class NormalisesFirst(nn.Module):
    """Layers in another order than that in which they are listed."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.conv, self.norm = nn.Conv2d(16, 16, 1), nn.BatchNorm2d(16)

    def forward(self, levels):
        return self.inner([self.conv(self.norm(level)) for level in levels])


def with_odd_neck():
    class Neck(NormalisesFirst):
        def forward(self, levels):
            return [self.conv(self.norm(level)) for level in self.inner(levels)]

    model = tiny_searcher(3)
    model.detector.neck = Neck(model.detector.neck)
    return model


def test_a_part_that_folding_would_change_stays_as_it_is():
    model = stir(with_odd_neck())
    expected = predictions(model)
    assert fold_normalisation(model) == ['neck']
    assert has_normalisation(model.detector.neck)
    assert not has_normalisation(model.detector.backbone)
    for found, sample in zip(predictions(model), expected, strict=True):
        for key, value in sample.pred_instances.items():
            assert_close(found.pred_instances[key].float(), value.float(), 2e-3)


def test_a_detector_that_needs_more_than_an_image_stays_as_it_is(monkeypatch):
    model = stir(tiny_searcher(3))

    def needs_text(inputs, samples):
        return samples[0].text

    monkeypatch.setattr(model.detector, 'predict', needs_text)
    assert fold_normalisation(model) == ['backbone']
    assert has_normalisation(model.detector.backbone)
    assert not has_normalisation(model.reid_branch.stages)


def test_convolutions_that_levels_share_are_not_folded():
    init_default_scope('mmdet')
    detector = tiny_detector(
        bbox_head={
            'type': 'RetinaSepBNHead',
            'num_classes': 1,
            'num_ins': 3,
            'in_channels': 16,
            'feat_channels': 16,
            'stacked_convs': 1,
            'norm_cfg': {'type': 'BN'},
            'anchor_generator': tiny_detector().bbox_head.anchor_generator,
        }
    )
    model = stir(tiny_searcher(3, detector))
    for index, layer in enumerate(
        m for m in model.detector.bbox_head.modules() if isinstance(m, nn.BatchNorm2d)
    ):
        layer.running_var.fill_(1 + index)
    assert fold_normalisation(model) == ['bbox_head']
