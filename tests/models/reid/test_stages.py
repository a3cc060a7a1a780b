import copy

import pytest
import torch
from mmengine.registry import init_default_scope

from mmps.models.reid.stages import probe, run_to, split_backbone
from mmps.registry import MODELS
from mmps.structures import ConfigError
from mmps.testing.builders import tiny_detector, tiny_searcher

SMALL = {'type': 'ResNet', 'depth': 18, 'base_channels': 8}
BACKBONES = {
    'resnet': SMALL,
    'dilated': {**SMALL, 'depth': 50, 'strides': (1, 2, 1, 1), 'dilations': (1, 1, 2, 4)},
    'stem of stride 1': {**SMALL, 'strides': (1, 1, 2, 2)},
    'resnest': {'type': 'ResNeSt', 'depth': 50, 'base_channels': 8, 'stem_channels': 8},
    'res2net': {'type': 'Res2Net', 'depth': 50, 'base_channels': 8},
    'regnet': {'type': 'RegNet', 'arch': 'regnetx_400mf'},
    'regnet written out': {'type': 'RegNet', 'arch': 'regnetx_400mf', 'strides': (2, 2, 2, 2)},
}


def build(name):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    return MODELS.build(copy.deepcopy(BACKBONES[name]))


def test_images_may_have_any_number_of_channels():
    init_default_scope('mmdet')
    backbone = MODELS.build({**SMALL, 'in_channels': 1})
    assert split_backbone(backbone, 3).stride == 8


@pytest.mark.parametrize('name', BACKBONES)
def test_strides_and_channels_are_those_of_a_pass(name):
    backbone = build(name)
    backbone.eval()
    with torch.no_grad():
        outputs = backbone(torch.zeros(1, 3, 128, 128))
    for j in (2, 3, 4):
        split, output = split_backbone(backbone, j), outputs[j - 2]
        assert (split.channels, split.stride) == (output.shape[1], 128 / output.shape[2])
        stages = {name.split('.')[0] for name in split.later}
        assert stages == {f'layer{number}' for number in range(j, 5)}


def test_written_out_strides_of_a_regnet_pool_people_where_they_are():
    """Its stem has half of the first stage's stride, where a ResNet's has all of it."""
    strides = [split_backbone(build('regnet written out'), j).stride for j in (2, 3, 4)]
    assert strides == [4, 8, 16]


def test_the_model_pools_by_the_measured_stride():
    detector = tiny_detector()
    detector.backbone.update(strides=(1, 1, 2, 2))
    model = tiny_searcher(3, detector)
    assert 1 / model.reid_branch.pooling.layer.spatial_scale == model.source.stride == 4


def test_measuring_changes_nothing():
    backbone = build('resnet')
    backbone.train()
    backbone.layer2.eval()
    before = copy.deepcopy(backbone.state_dict())
    modes = [module.training for module in backbone.modules()]
    state = torch.get_rng_state()
    assert probe(backbone, backbone.layer4[0]).shape == (1, 32, 4, 4)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[n], w) for n, w in backbone.state_dict().items())
    assert modes == [module.training for module in backbone.modules()]
    assert not any(module._forward_pre_hooks for module in backbone.modules())


def test_what_does_not_run_is_told():
    with pytest.raises(RuntimeError, match='did not run the stage'):
        run_to(torch.nn.Identity(), build('resnet'), torch.zeros(2, 3, 64, 64))


@pytest.mark.parametrize('j', [1, 5])
def test_an_impossible_j_is_told(j):
    with pytest.raises(ConfigError, match=f'shared_stages={j} is not possible'):
        split_backbone(build('resnet'), j)
