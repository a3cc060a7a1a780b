from __future__ import annotations

import pytest
import torch
from mmengine.config import Config

from mmps.benchmarks import build_variant, check_head, flops_per_part, is_shared
from mmps.benchmarks.variants import Variant, without_pretrained
from mmps.structures import ConfigError
from mmps.testing.builders import tiny_detector, tiny_searcher
from mmps.testing.detectors import tiny_fcos


def test_models_are_ready_to_predict(variants):
    assert [v.name for v in variants] == ['J3', 'Disj.']
    assert not any(v.model.training for v in variants)


def test_operations_of_the_branch_are_those_of_its_layers(variants):
    image, person = flops_per_part(variants[0], torch.zeros(1, 3, 64, 64))
    _, crop = flops_per_part(variants[1], torch.zeros(1, 3, 64, 64))
    assert image > 0
    flops, (channels, height, width) = 0, variants[0].model.pooled_shape
    for stage in variants[0].model.reid_branch.stages.stages:
        for block in stage:
            stride = block.conv1.stride[0]
            height, width = height // stride, width // stride
            for conv in (m for m in block.modules() if isinstance(m, torch.nn.Conv2d)):
                flops += 2 * conv.weight.numel() * height * width
    head = variants[0].model.reid_branch.head.embedding
    assert person == flops + 2 * head.weight.numel()
    assert crop > 0
    assert channels == 32


def test_pretrained_weights_are_not_asked_for():
    config = {
        'init_cfg': {'type': 'Pretrained', 'checkpoint': 'torchvision://resnet50'},
        'neck': {'init_cfg': {'type': 'Xavier'}, 'sizes': [1, 2]},
    }
    assert without_pretrained(config) == {
        'init_cfg': None,
        'neck': {'init_cfg': {'type': 'Xavier'}, 'sizes': [1, 2]},
    }


def test_other_configs_are_refused(tmp_path):
    with pytest.raises(ConfigError, match='does not exist; name a config'):
        build_variant('J3', tmp_path / 'none.py', 'cpu')
    Config({'model': dict(tiny_detector())}).dump(tmp_path / 'detector.py')
    with pytest.raises(ConfigError, match='is a RetinaNet without re-ID branch; name a config'):
        build_variant('J3', tmp_path / 'detector.py', 'cpu')
    (tmp_path / 'empty.py').write_text('')
    with pytest.raises(ConfigError, match=r'empty\.py has no model; name a config'):
        build_variant('J3', tmp_path / 'empty.py', 'cpu')


def test_sharing_is_told_from_the_config(configs):
    assert {name: is_shared(path) for name, path in configs.items()} == {'J3': True, 'Disj.': False}


def test_people_are_planted_in_a_retinanet_only(variants):
    check_head(variants[0])
    with pytest.raises(ConfigError, match='mine has a FCOS: inference is measured with a RetinaNe'):
        check_head(Variant('mine', tiny_searcher(3, tiny_fcos())))
