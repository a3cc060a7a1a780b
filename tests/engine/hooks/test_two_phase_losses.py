"""Losses with weights and tables in phase 2: trained, saved, resumed to the bit, reset."""

import shutil

import pytest
import torch

from mmps.registry import MODELS
from mmps.structures import ConfigError
from mmps.testing import table_loss  # noqa: F401  # registration
from mmps.testing.runs import tiny_run, train

TABLE = {'type': 'TableLoss', 'num_ids': 'auto', 'embedding_channels': 'auto'}
STATE = 'reid_branch.head.losses.'


def table_run(data, work_dir, sizes=(5, 7), **changes):
    """One epoch of detection; a table loss for two epochs, another one for two."""
    stages = [{'epochs': 2, 'loss': TABLE | {'size': size}} for size in sizes]
    changes = {
        'train_cfg__max_epochs': 5,
        'default_hooks__two_phase__detection_epochs': 1,
        'cached_people__all_boxes': True,
        **changes,
    }
    config = tiny_run(data, work_dir, **changes)
    config.default_hooks.two_phase.stages = stages
    return config


def saved(work_dir, epoch):
    return torch.load(work_dir / f'epoch_{epoch}.pth')


def moved(before, after):
    """What changed in the losses themselves, of which ``state_dict`` has the average."""
    prefix = f'module.{STATE}'
    a, b = before['ema_state_dict'], after['ema_state_dict']
    names = {k for k in a if k.startswith(prefix) and not torch.equal(a[k], b[k])}
    return {name.removeprefix(prefix) for name in names}


@pytest.fixture(scope='module')
def whole(drawn_once, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('whole')
    average = [{'type': 'EMAHook', 'momentum': 0.3}]
    runner = train(table_run(drawn_once, work_dir, custom_hooks=average))
    return work_dir, runner


def test_each_stage_moves_the_weights_and_tables_of_its_own_loss(whole):
    work_dir, runner = whole
    states = [saved(work_dir, epoch) for epoch in range(1, 6)]
    fields = ('scale', 'table', 'queue', 'pointer')
    assert moved(states[0], states[2]) == {f'0.{field}' for field in fields}
    assert moved(states[2], states[4]) == {f'1.{field}' for field in fields}
    people = runner.train_dataloader.dataset.person_ids
    assert states[4]['state_dict'][f'{STATE}1.table'].shape == (
        len(people[people >= 0].unique()),
        8,
    )
    branch = runner.model.reid_branch
    assert len(runner.optim_wrapper.optimizer.param_groups[0]['params']) == len(
        list(branch.parameters())
    )


@pytest.mark.parametrize('last', [2, pytest.param(3, marks=pytest.mark.slow), 4])
def test_a_run_that_ended_in_phase_2_goes_on_to_the_same_bits(whole, tmp_path, drawn_once, last):
    work_dir, _ = whole
    shutil.copy(work_dir / f'epoch_{last}.pth', tmp_path)
    average = [{'type': 'EMAHook', 'momentum': 0.3}]
    train(table_run(drawn_once, tmp_path, resume=True, custom_hooks=average))
    ours, theirs = saved(tmp_path, 5), saved(work_dir, 5)
    for part in ('state_dict', 'ema_state_dict'):
        assert ours[part].keys() == theirs[part].keys()
        assert not [k for k in ours[part] if not torch.equal(ours[part][k], theirs[part][k])]
    assert str(ours['optimizer']) == str(theirs['optimizer'])


def test_a_run_with_other_losses_is_not_resumed(whole, tmp_path, drawn_once):
    shutil.copy(whole[0] / 'epoch_4.pth', tmp_path)
    with pytest.raises(ConfigError, match=r'saved with other losses: of .*queue it holds \(5, 8\)'):
        train(table_run(drawn_once, tmp_path, (9, 7), resume=True))


def test_another_run_begins_with_tables_of_its_own(whole, tmp_path, drawn_once):
    start = {'load_from': str(whole[0] / 'epoch_5.pth'), 'default_hooks__two_phase__start': 'reid'}
    frozen = {'default_hooks__two_phase__optim_wrapper__optimizer__lr': 0.0}
    train(table_run(drawn_once, tmp_path, **start, **frozen))
    state = saved(tmp_path, 3)['state_dict']
    assert state[f'{STATE}0.scale'] == 10
    assert not state[f'{STATE}1.table'].any()


def test_a_test_needs_no_loss(whole, drawn_once, mm_log):
    model = MODELS.build(tiny_run(drawn_once, 'unused').model)
    model.load_state_dict(saved(whole[0], 5)['state_dict'], strict=True)
    assert 'does not fill' not in mm_log.text
    config = tiny_run(drawn_once, 'unused').model
    config.reid_branch.head.loss = TABLE
    model = MODELS.build(config)
    model.load_state_dict(saved(whole[0], 5)['state_dict'], strict=True)
    assert not mm_log.text
