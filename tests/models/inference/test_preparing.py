from __future__ import annotations

import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn

from mmps.models.inference import REID, TRUNK, fastest_layout, nnpack, prepare
from mmps.registry import MODELS
from mmps.testing.builders import packed_batch, tiny_detector, tiny_searcher
from mmps.testing.detectors import tiny_faster_rcnn, tiny_fcos

SIZE = (320, 320)
"""The first map of the tiny detectors is then large enough for NNPACK."""

DETECTORS = {'RetinaNet': tiny_detector, 'FCOS': tiny_fcos, 'Faster R-CNN': tiny_faster_rcnn}


@pytest.fixture(params=[*DETECTORS, 'Disj.'])
def model(request):
    """A person-search model whose normalisation does something."""
    detector = DETECTORS.get(request.param, tiny_detector)()
    detector.neck.out_channels = 64
    head = detector.get('rpn_head') or detector.bbox_head
    head['in_channels'] = head['feat_channels'] = 64
    if 'roi_head' in detector:
        detector.roi_head.bbox_roi_extractor.out_channels = 64
        detector.roi_head.bbox_head.in_channels = 64
    kind = {'type': 'mmps.DisjointDetector'} if request.param == 'Disj.' else {}
    if kind:
        torch.manual_seed(0)
        branch = {'pooling': {'output_size': (32, 16)}, 'head': {'embedding_channels': 8}}
        model = MODELS.build({**kind, 'detector': detector, 'reid_branch': branch})
        model.init_weights()
    else:
        model = tiny_searcher(3, detector)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
    return model.eval()


@torch.no_grad()
def dense_maps(detector):
    """Outputs of the head: what random weights select from them hangs on the last digit."""
    head = getattr(detector, 'rpn_head', None) or detector.bbox_head
    outputs = head(detector.neck(detector.backbone(packed_batch(size=SIZE)[0])))
    return [level for levels in outputs for level in levels]


@torch.no_grad()
def embeddings(model):
    """Of known people."""
    samples = model.predict(*packed_batch(size=SIZE))
    assert all(len(s.pred_instances) for s in samples)
    return torch.cat([s.gt_instances.embeddings for s in samples])


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        scale = max(other.abs().max().item(), 1.0)
        torch.testing.assert_close(one, other, atol=2e-5 * scale, rtol=0)


def normalisations(model):
    return [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]


def is_channels_last(module):
    weights = [p for p in module.parameters() if p.dim() == 4 and min(p.shape[1:]) > 1]
    return all(w.is_contiguous(memory_format=torch.channels_last) for w in weights)


@pytest.mark.parametrize('layout', [None, (), (TRUNK,), (TRUNK, REID)], ids=str)
def test_predictions_stay_the_same(model, layout):
    expected, maps = embeddings(model), dense_maps(model.detector)
    assert expected.std(0).mean() > 1e-3
    prepare(model, channels_last=layout)
    assert not normalisations(model)
    assert_equal([embeddings(model)], [expected])
    assert_equal(dense_maps(model.detector), maps)


def test_the_fastest_on_a_cpu(model):
    disjoint = type(model).__name__ == 'DisjointDetector'
    assert fastest_layout(model) == ({TRUNK, REID} if disjoint else {TRUNK})
    prepare(model)
    assert is_channels_last(model.detector.backbone)
    assert is_channels_last(model.reid_branch) == disjoint
    assert not is_channels_last(model.detector.neck)


@pytest.mark.skipif(not nnpack.is_available(), reason='PyTorch has no NNPACK here')
def test_nnpack_computes_the_large_maps_of_neck_and_head(model, monkeypatch):
    operator, sizes = torch._nnpack_spatial_convolution, []

    def noted(inputs, *args):
        sizes.append(tuple(inputs.shape[2:]))
        return operator(inputs, *args)

    monkeypatch.setattr(torch, '_nnpack_spatial_convolution', noted)
    prepare(model, nnpack=False)
    dense_maps(model.detector)
    assert sizes == []
    prepare(model, fuse=False)
    dense_maps(model.detector)
    assert set(sizes) == {(40, 40)}
    assert len(sizes) >= 2 * 2  # neck and head, two images


def test_a_detector_alone_is_prepared(model):
    detector = model.detector
    expected = dense_maps(detector)
    prepare(detector)
    assert_equal(dense_maps(detector), expected)
    assert not normalisations(detector)
    assert fastest_layout(detector) == {TRUNK}


SHARED_CONVOLUTIONS = {
    'RTMDetSepBNHead': {
        'anchor_generator': {'type': 'MlvlPointGenerator', 'offset': 0, 'strides': [8, 16, 32]},
        'bbox_coder': {'type': 'DistancePointBBoxCoder'},
        'share_conv': True,
        'norm_cfg': {'type': 'BN'},
    },
    'RetinaSepBNHead': {'num_ins': 3, 'norm_cfg': {'type': 'BN'}},
}


@pytest.mark.parametrize('kind', SHARED_CONVOLUTIONS)
def test_convolutions_that_levels_share_get_each_levels_own_normalisation(kind):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    settings = {'num_classes': 1, 'in_channels': 64, 'feat_channels': 64, 'stacked_convs': 2}
    head = MODELS.build({'type': kind, **settings, **SHARED_CONVOLUTIONS[kind]}).eval()
    for index, layer in enumerate(normalisations(head)):
        layer.running_var.fill_(1 + index)
    levels = [torch.randn(1, 64, side, side) for side in (40, 20, 10)]
    flat = lambda outputs: [level for group in outputs for level in group]  # noqa: E731
    with torch.no_grad():
        expected = flat(head(levels))
        detector = nn.Module()
        detector.backbone, detector.bbox_head = nn.Conv2d(3, 3, 1), head
        prepare(detector)
        assert_equal(flat(head(levels)), expected)
    assert not normalisations(head)


@pytest.mark.skipif(not nnpack.is_available(), reason='PyTorch has no NNPACK here')
@pytest.mark.parametrize(('device', 'without'), [('cpu', {'neck', 'bbox_head'}), ('meta', set())])
def test_only_a_cpu_keeps_parts_from_the_compiler_for_nnpack(monkeypatch, device, without):
    detector = tiny_detector()
    detector.neck.out_channels = 64
    detector.bbox_head.in_channels = detector.bbox_head.feat_channels = 64
    model = tiny_searcher(3, detector).eval().to(device)
    compiled = []
    monkeypatch.setattr(torch, 'compile', lambda call, **_: compiled.append(call.__self__) or call)
    prepare(model, fuse=False, compile=True)
    parts = {'neck': model.detector.neck, 'bbox_head': model.detector.bbox_head}
    assert {name for name, part in parts.items() if part not in compiled} == without
    assert model.reid_branch.stages in compiled
