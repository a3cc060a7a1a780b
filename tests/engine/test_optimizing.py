import json

import pytest
import torch
from mmengine.registry import PARAM_SCHEDULERS

from mmps.engine.optimizing import schedule_of_phase
from mmps.structures import ConfigError
from mmps.testing.runs import tiny_run, train

COSINE = {'type': 'CosineAnnealingLR'}
WARM_UP = {'type': 'LinearLR', 'start_factor': 0.1, 'by_epoch': False, 'end': 10}


def ends(*configs, epochs=8, batches=3):
    return [s['end'] for s in schedule_of_phase('param_scheduler', configs, epochs, batches)]


def test_a_silent_scheduler_ends_with_the_phase_in_its_own_unit():
    by_iteration = {**COSINE, 'by_epoch': False}
    converted = {**COSINE, 'convert_to_iter_based': True}
    assert ends(COSINE, by_iteration, converted, WARM_UP) == [8, 24, 8, 10]


def test_a_silent_scheduler_by_iterations_falls_over_the_whole_phase():
    """As CosineAnnealingLR with by_epoch=False did over the first 8 of 24 iterations."""
    (config,) = schedule_of_phase('x', [{**COSINE, 'by_epoch': False}], 8, 3)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    kind = PARAM_SCHEDULERS.get(config.pop('type'))
    scheduler, rates = kind(optimizer, **config), []
    for _ in range(24):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        scheduler.step()
    expected = (1 + torch.cos(torch.pi * torch.arange(24.0) / 24)) / 2
    torch.testing.assert_close(torch.tensor(rates), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ('unit', 'end'),
    [({'convert_to_iter_based': True}, 25), ({'by_epoch': False}, 25), ({}, 9), ({'end': 8}, 8)],
)
def test_a_polynomial_reaches_zero_one_step_behind_its_phase(unit, end):
    (config,) = schedule_of_phase('x', [{'type': 'PolyLR', 'power': 1, **unit}], 8, 3)
    assert (config['end'], config.get('by_epoch', True)) == (end, end < 25)
    assert 'convert_to_iter_based' not in config


@pytest.mark.parametrize(
    'config',
    [{**COSINE, 'T_max': 90}, {**COSINE, 'end': 90}, {**COSINE, 'T_max': 90, 'end': 12},
     {'type': 'OneCycleLR', 'total_steps': 90}, {**COSINE, 'end': 5, 'T_max': 5},
     {**COSINE, 'begin': 5, 'T_max': 8}, {**WARM_UP, 'by_epoch': True, 'end': 20}],
)  # fmt: skip
def test_a_schedule_of_another_length_is_rejected(config):
    with pytest.raises(ConfigError, match=r'param_scheduler: .* has 12: leave out its `end`'):
        ends(WARM_UP, config, epochs=12)


@pytest.mark.parametrize(
    'configs',
    [[], [WARM_UP], [{**COSINE, 'end': 12, 'T_max': 12}], [{**COSINE, 'begin': 2, 'T_max': 10}],
     [{**WARM_UP, 'by_epoch': True, 'end': 2}, {**COSINE, 'begin': 2}],
     [{**WARM_UP, 'by_epoch': True, 'end': 2}],
     [{'type': 'mmdet.QuadraticWarmupLR', 'by_epoch': True, 'end': 2}]],
)  # fmt: skip
def test_schedules_that_fit_are_left_alone(configs, mm_log):
    ends(*configs, epochs=12)
    assert not mm_log.text


def test_a_warm_up_longer_than_its_phase_is_named(mm_log):
    ends(WARM_UP, COSINE, epochs=3)
    assert 'LinearLR is written for 10 iterations, but the phase has 9' in mm_log.text


@pytest.mark.slow
def test_phase_1_follows_its_own_length_without_being_told_it(drawn_once, tmp_path):
    """MMEngine's own default is the end of the run."""
    config = tiny_run(drawn_once, tmp_path)
    config.param_scheduler = [COSINE]
    config.auto_scale_lr = {'enable': True, 'base_batch_size': 12, 'reid_base_batch_size': 24}
    train(config)
    (path,) = tmp_path.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    rates = {line['epoch']: line['lr'] for line in lines if 'loss_bbox' in line}
    assert rates == {1: pytest.approx(0.005), 2: pytest.approx(0.0025)}
