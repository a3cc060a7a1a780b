"""What the paper claims, asked of its configs as they are: ResNet-50, on small images."""

import copy

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmps.checkpoints.gaps import SHARED, part_of
from mmps.datasets.samplers import pk_batch
from mmps.models.reid import FeatureTap
from mmps.registry import DATA_SAMPLERS, MODELS
from mmps.testing.builders import packed_batch

from .leaves import CONFIGS

JOINT = {j: f'joint/joint-j{j}_retinanet_r50_fpn_c' for j in (2, 3, 4)}
OTHERS = [f'detectors/joint-j3_{name}_r50_fpn_c' for name in ('faster-rcnn', 'fcos', 'atss')]
DIRECT = [f'joint/joint-j{j}_retinanet_r50_fpn_direct_c' for j in (2, 3, 4)]
DISJOINT = 'disjoint/disjoint_retinanet_r50_fpn_c'
BOXES = [[6.0, 6, 30, 62], [34, 10, 56, 60]]

pytestmark = pytest.mark.slow


def build(name, **backbone):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    config = Config.fromfile(CONFIGS / f'{name}.py').model
    detector = config.get('detector', config)
    detector.backbone.update(backbone)
    return MODELS.build(config)


@pytest.fixture(scope='module')
def models():
    """The paper's J2, J3 and J4."""
    return {j: build(name) for j, name in JOINT.items()}


def batch(images=1):
    return packed_batch(images, BOXES, size=(64, 64))


def total(losses):
    return sum(sum(v) if isinstance(v, list) else v for k, v in losses.items() if 'loss' in k)


def gradients(model, names, losses):
    """Largest gradient of each of these parameters."""
    model.zero_grad(set_to_none=True)
    total(losses).backward()
    weights = dict(model.named_parameters())
    found = {n: weights[n].grad for n in names}
    return {n: 0.0 if g is None else g.abs().max().item() for n, g in found.items()}


def shared(model):
    return [n for n, _ in model.named_parameters() if part_of(n, model) == SHARED]


def convolutions(model):
    return [
        f'{name}.weight' for name, module in model.named_modules() if isinstance(module, nn.Conv2d)
    ]


def train_detector(model, steps, images=1):
    """Phase 1 with the paper's optimizer, on noise."""
    model.set_phase('detection')
    optimizer = torch.optim.SGD(
        [p for p in model.parameters() if p.requires_grad], lr=1e-3, momentum=0.9
    )
    inputs, samples = batch(images)
    for _ in range(steps):
        optimizer.zero_grad()
        total(model.train().loss(inputs, copy.deepcopy(samples))).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10)
        optimizer.step()
    return model


def pooled(model, j=None):
    """Features of two people, by default those that the model's re-ID would get."""
    source = model.source if j is None else FeatureTap(model.detector.backbone, j)
    rois = torch.tensor([[0, *box] for box in BOXES])
    with torch.no_grad():
        return model.eval().reid_branch.pooling(source.run(batch()[0]), rois)


@pytest.mark.parametrize('j', JOINT)
def test_detection_teaches_everything_that_is_shared(models, j):
    model = models[j].train()
    model.set_phase('detection')
    names = shared(model)
    assert 'detector.backbone.conv1.weight' in names
    assert {n.split('.')[2] for n in names} == {'conv1', 'bn1', 'layer1', 'layer2', 'layer3'} - {
        f'layer{k}' for k in range(j, 4)
    }
    reached = gradients(model, names, model.loss(*batch()))
    assert all(reached.values()), [n for n, g in reached.items() if not g]


@pytest.mark.parametrize('name', [*OTHERS, *DIRECT, DISJOINT, 'detection/retinanet_r50_fpn_c'])
def test_no_convolution_of_any_detector_is_frozen(name):
    model = build(name).train()
    if hasattr(model, 'set_phase') and name not in DIRECT:
        model.set_phase('detection')
    names = [n for n in convolutions(model) if 'backbone' in n and 'reid_branch' not in n]
    assert len(names) == 53
    learns = {n: w.requires_grad for n, w in model.named_parameters() if 'reid_branch' not in n}
    assert all(learns.values())
    reached = gradients(model, names, model.loss(*batch()))
    assert all(reached.values()), [n for n, g in reached.items() if not g]


@pytest.mark.parametrize('j', JOINT)
def test_re_id_changes_nothing_that_is_shared(models, j):
    model = models[j].train()
    model.set_phase('reid')
    features = torch.randn(8, *model.pooled_shape)
    losses = model(pooled=features, person_ids=torch.arange(8) // 2, mode='loss')
    reached = gradients(model, dict(model.named_parameters()), losses)
    assert not any(g for n, g in reached.items() if not n.startswith('reid_branch.'))
    assert all(reached[n] for n in convolutions(model) if n.startswith('reid_branch.'))
    assert not any(p.requires_grad for p in model.detector.parameters())
    assert not any(module.training for module in model.detector.modules())


@pytest.mark.parametrize('j', JOINT)
def test_re_id_stops_at_what_is_shared_where_both_are_trained_at_once(models, j):
    model = models[j].train()
    model.set_phase('joint')
    losses = {'loss_triplet': model.loss(*batch(3))['loss_triplet']}
    reached = gradients(model, convolutions(model), losses)
    assert {n.split('.')[0] for n, g in reached.items() if g} == {'reid_branch'}


@pytest.mark.parametrize('j', JOINT)
def test_the_direct_objective_teaches_what_is_shared_by_re_id_too(j):
    model = build(DIRECT[j - 2]).train()
    inputs, samples = batch(3)
    losses = {'loss_triplet': model.loss(inputs, samples)['loss_triplet']}
    reached = gradients(model, convolutions(model), losses)
    names = [n for n in reached if part_of(n, model) == SHARED]
    assert all(reached[n] for n in names)
    assert not any(g for n, g in reached.items() if n.startswith('detector.') and n not in names)


def test_nothing_frozen_begins_with_the_loss_of_the_frozen_model(models):
    free, frozen = models[2].train(), build(JOINT[2], frozen_stages=1).train()
    frozen.load_state_dict(free.state_dict())
    for model in (free, frozen):
        model.set_phase('detection')
    losses = [total(model.loss(*batch())) for model in (free, frozen)]
    assert torch.equal(*losses)


def test_the_detector_of_phase_1_is_the_same_for_every_j():
    detectors = [Config.fromfile(CONFIGS / f'{JOINT[j]}.py').model.detector for j in JOINT]
    assert detectors[0] == detectors[1] == detectors[2]


def test_twenty_steps_of_detection_change_the_features_of_j2():
    model = build(JOINT[2])
    before = pooled(model)
    after = pooled(train_detector(model, 20))
    assert after.isfinite().all()
    assert (after - before).abs().max() > 1e-4 * before.abs().max()


def test_more_detection_data_change_the_features_of_every_j():
    """Tables 1c and 1d: aggregated detection sets make better features, those of J2 too."""
    one, more = (train_detector(build(JOINT[2]), 3, images) for images in (1, 2))
    for j in JOINT:
        a, b = pooled(one, j), pooled(more, j)
        assert (a - b).abs().max() > 1e-6 * a.abs().max(), j


def test_batch_statistics_stay_those_of_coco_while_scale_and_shift_learn():
    model = build(JOINT[2])
    before = {n: w.clone() for n, w in model.detector.backbone.state_dict().items()}
    train_detector(model, 2)
    after = model.detector.backbone.state_dict()
    backbone = model.detector.backbone
    norms = [n for n, m in backbone.named_modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 53
    for name in norms:
        for key in ('running_mean', 'running_var', 'num_batches_tracked'):
            assert torch.equal(before[f'{name}.{key}'], after[f'{name}.{key}'])
        for key in ('weight', 'bias'):
            assert not torch.equal(before[f'{name}.{key}'], after[f'{name}.{key}']), name


def test_a_person_costs_less_the_more_is_shared(models):
    """Table 1b: milliseconds per person J4 < J3 < J2 < Disj."""
    costs = []
    for model in (models[4], models[3], models[2], build(DISJOINT)):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model.eval().reid_branch.embed(torch.rand(1, *model.pooled_shape))
        costs.append(counter.get_total_flops())
    assert costs == sorted(set(costs))


@pytest.mark.parametrize('ranks', [1, 2, 3, 4, 8, 32])
def test_a_batch_is_32_people_with_4_boxes_each_on_any_number_of_processes(monkeypatch, ranks):
    settings = Config.fromfile(CONFIGS / f'{JOINT[3]}.py').default_hooks.two_phase.batches
    people = np.repeat(np.arange(70), 6)
    shares = []
    for rank in range(ranks):
        monkeypatch.setattr(pk_batch, 'get_dist_info', lambda rank=rank: (rank, ranks))
        shares.append(next(iter(DATA_SAMPLERS.build({**settings, 'person_ids': people}))))
    joined = np.concatenate(shares)
    assert np.unique(joined).size == 128
    _, boxes = np.unique(people[joined], return_counts=True)
    assert boxes.tolist() == [4] * 32
