"""Every distinct model of the configs, built as it is."""

import copy
import json
from typing import NamedTuple

import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn

from mmps.models.reid.roi_pooling import PAPER_SIZES
from mmps.registry import MODELS
from mmps.testing.builders import packed_batch

from .leaves import CONFIGS, LEAVES, load, stem

pytestmark = pytest.mark.slow


class Distinct(NamedTuple):
    """A model that one or more configs share, and the losses that any of them trains it with."""

    name: str
    model: dict
    losses: list


def distinct_models():
    found = {}
    leaves = [path for path in LEAVES if path.parent.name != 'compared']  # test_compared.py
    for path in sorted(leaves, key=lambda p: len(stem(p))):
        config = load(path)
        key = json.dumps(config.model.to_dict(), sort_keys=True)
        same = found.setdefault(key, Distinct(stem(path), config.model, []))
        phases = config.default_hooks.get('two_phase')
        losses = [stage.loss for stage in phases.stages] if phases else []
        same.losses.extend(loss for loss in losses if loss not in same.losses)
    return list(found.values())


@pytest.mark.parametrize('case', distinct_models(), ids=lambda case: case.name)
def test_it_builds_and_takes_a_step_of_each_phase(case):
    init_default_scope('mmdet')
    model = MODELS.build(copy.deepcopy(case.model)).train()
    inputs, samples = packed_batch(images=1, size=(128, 128))
    losses = model.loss(inputs, samples)
    sum(sum(v) if isinstance(v, list) else v for k, v in losses.items() if 'loss' in k).backward()
    reached = {n for n, p in model.named_parameters() if p.grad is not None}
    first = ('backbone.conv1.weight', 'backbone.patch_embed.projection.weight')
    assert any(n.endswith(first) for n in reached)
    if not case.losses:
        return
    stages = case.model.get('shared_stages')
    swin = '_swin-t_' in case.name
    if stages and 'pooling' not in case.model.get('reid_branch', {}) and not swin:
        assert model.pooled_shape == ({2: 256, 3: 512, 4: 1024}[stages], *PAPER_SIZES[stages])
    model.zero_grad(set_to_none=True)
    model.set_phase('reid')
    for loss in case.losses:
        model.reid_branch.head.set_losses([loss], 2)
        pooled = torch.rand(4, *model.pooled_shape)
        losses = model(pooled=pooled, person_ids=torch.tensor([0, 0, 1, 1]), mode='loss')
        (value,) = (v for k, v in losses.items() if k in ('loss_triplet', 'loss_reid'))
        assert value > 0
    value.backward()
    reached = {n for n, p in model.named_parameters() if p.grad is not None}
    # The neck's shift is fixed at 0 by design.
    assert reached == {
        n
        for n, _ in model.named_parameters()
        if n.startswith('reid_branch') and not n.endswith('neck.bias')
    }


@pytest.mark.parametrize(
    'name', ['joint/joint-j3_retinanet_r50_fpn_c', 'disjoint/disjoint_retinanet_r50_fpn_c']
)
def test_batch_statistics_of_re_id_are_trained_and_those_of_the_detector_are_not(name):
    init_default_scope('mmdet')
    model = MODELS.build(copy.deepcopy(load(CONFIGS / f'{name}.py').model))
    model.set_phase('reid')
    model.train()
    layers = {
        part: {m.training for m in getattr(model, part).modules() if isinstance(m, nn.BatchNorm2d)}
        for part in ('reid_branch', 'detector')
    }
    assert layers == {'reid_branch': {True}, 'detector': {False}}
