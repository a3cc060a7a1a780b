"""Detectors whose box head has the backbone's last stage: all of the backbone may be shared."""

import copy

import pytest
import torch

from mmps.models.reid.stages import End, run_to, split_backbone
from mmps.registry import MODELS
from mmps.structures import ConfigError
from mmps.testing.builders import packed_batch, tiny_searcher
from mmps.testing.detectors import tiny_faster_rcnn_c4


@pytest.fixture(scope='module')
def whole():
    return tiny_searcher(4, tiny_faster_rcnn_c4())


def test_the_feature_is_the_backbones_output(whole):
    model, (inputs, _) = whole.eval(), packed_batch()
    backbone = model.detector.backbone
    with torch.no_grad():
        (expected,) = backbone(inputs)
        assert torch.equal(model.source.run(inputs), expected)
        with model.source.watch(inputs) as tap:
            backbone(inputs)
            assert torch.equal(tap.feature, expected)
    split = split_backbone(backbone, 4)
    assert isinstance(split.entry, End)
    assert (split.stage, split.channels, split.stride, split.later) == (4, 256, 16, ())
    assert not any(module._forward_hooks for module in backbone.modules())
    assert torch.equal(run_to(split.entry, backbone, inputs), expected)


@pytest.mark.parametrize(('split', 'stages'), [(4, 1), ((4, 1), 2), (3, 2)])
def test_re_id_replicates_the_stage_of_the_box_head(split, stages):
    model = tiny_searcher(split, tiny_faster_rcnn_c4())
    assert len(model.reid_branch.stages.stages) == stages
    assert model.reid_branch.stages.out_channels == 512


@pytest.mark.parametrize('split', [4, (4, 1)], ids=str)
def test_the_branch_begins_with_the_stage_of_the_box_head(split):
    detector = MODELS.build(tiny_faster_rcnn_c4())
    for weight in detector.state_dict().values():
        if weight.is_floating_point():
            weight.uniform_(0.5, 1.5)
    model = tiny_searcher(split, tiny_faster_rcnn_c4())
    model.load_state_dict(detector.state_dict(), strict=False)
    own = model.reid_branch.stages.state_dict()
    theirs = detector.state_dict()
    last = theirs['roi_head.shared_head.layer4.0.conv1.weight']
    found = [name for name, weight in own.items() if torch.equal(weight, last)]
    assert len(found) == 1
    if split == (4, 1):
        middle = theirs['backbone.layer3.1.conv1.weight']
        assert any(torch.equal(weight, middle) for weight in own.values())


def test_detected_people_have_embeddings_and_the_detector_is_unchanged(whole):
    plain = MODELS.build(tiny_faster_rcnn_c4()).eval()
    plain.load_state_dict(whole.detector.state_dict())
    inputs, samples = packed_batch()
    with torch.no_grad():
        ours = whole.eval().predict(inputs, copy.deepcopy(samples))
        theirs = plain.predict(inputs, samples)
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a.pred_instances.bboxes, b.pred_instances.bboxes)
        assert a.pred_instances.embeddings.shape == (len(b.pred_instances), 8)


def test_a_whole_backbone_cannot_be_shared():
    with pytest.raises(ConfigError, match=r'shared_stages=5 is not possible .* choose 2 to 4'):
        tiny_searcher(5)
