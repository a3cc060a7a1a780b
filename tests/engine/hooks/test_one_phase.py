"""The joint objective with losses that have weights and tables: numbered, trained, resumed."""

import shutil

import pytest
import torch

from mmps.datasets.identities import identities_of
from mmps.engine.hooks import OnePhaseHook
from mmps.registry import HOOKS
from mmps.structures import ConfigError
from mmps.testing import table_loss  # noqa: F401  # registration
from mmps.testing.detectors import tiny_faster_rcnn
from mmps.testing.ranks import run_ranks
from mmps.testing.runs import tiny_run, train

WORKER = """
    from mmengine.config import Config
    from mmps.testing import table_loss
    from mmps.testing.runs import train


    def work():
        runner = train(Config.fromfile(f'{folder}/config.json'))
        torch.save(runner.model.module.state_dict(), f'{folder}/rank_{rank}.pth')
"""
TABLE = {'type': 'TableLoss', 'num_ids': 'auto', 'embedding_channels': 'auto'}
STATE = 'reid_branch.head.losses.0.'


def direct_run(data, work_dir, hook='mmps.OnePhaseHook', **changes):
    """Two epochs of a Faster R-CNN and a table loss on its proposals, in one phase."""
    changes = {'train_cfg__max_epochs': 2, 'custom_hooks': [{'type': hook}], **changes}
    config = tiny_run(data, work_dir, **changes)
    config.default_hooks.pop('two_phase')
    config.model.detector = tiny_faster_rcnn()
    config.model.detach = False
    config.model.training_boxes = {'type': 'mmps.ProposalBoxes'}
    config.model.reid_branch.head.loss = TABLE
    return config


@pytest.fixture(scope='module')
def whole(drawn_once, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('whole')
    return work_dir, train(direct_run(drawn_once, work_dir))


def saved(work_dir, epoch):
    return torch.load(work_dir / f'epoch_{epoch}.pth')


def test_the_table_has_a_row_for_each_identity_and_its_weight_is_trained(whole):
    work_dir, runner = whole
    identities = identities_of(runner.train_dataloader.dataset)
    state = saved(work_dir, 2)['state_dict']
    assert state[f'{STATE}table'].shape == (len(identities), 8)
    assert state[f'{STATE}table'].any(1).all()
    assert state[f'{STATE}queue'].any()
    assert state[f'{STATE}scale'] != 10
    groups = runner.optim_wrapper.optimizer.param_groups
    assert sum(len(group['params']) for group in groups) == len(list(runner.model.parameters()))


def test_a_run_that_ended_after_an_epoch_goes_on_to_the_same_bits(whole, tmp_path, drawn_once):
    work_dir, _ = whole
    shutil.copy(work_dir / 'epoch_1.pth', tmp_path)
    path = str(tmp_path / 'epoch_1.pth')
    train(direct_run(drawn_once, tmp_path, resume=True, load_from=path))
    ours, theirs = saved(tmp_path, 2), saved(work_dir, 2)
    states = [found['state_dict'] for found in (ours, theirs)]
    assert states[0].keys() == states[1].keys()
    assert not [key for key in states[0] if not torch.equal(states[0][key], states[1][key])]
    assert str(ours['optimizer']) == str(theirs['optimizer'])


def test_another_run_begins_with_a_table_of_its_own(whole, tmp_path, drawn_once):
    config = direct_run(drawn_once, tmp_path, load_from=str(whole[0] / 'epoch_2.pth'))
    config.optim_wrapper.optimizer.lr = 0.0
    config.train_cfg.max_epochs = 1
    train(config)
    assert saved(tmp_path, 1)['state_dict'][f'{STATE}scale'] == 10


def test_without_the_hook_nobody_counts_identities(tmp_path, drawn_once):
    with pytest.raises(ConfigError, match=r"loss TableLoss has 'auto' .* or mmps\.OnePhaseHook"):
        train(direct_run(drawn_once, tmp_path, hook='mmps.PortableCheckpointHook'))


def test_configs_of_earlier_runs_find_the_hook_by_its_first_name():
    assert isinstance(HOOKS.build({'type': 'mmps.CheckLearningHook'}), OnePhaseHook)


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason='torch without distribution')
def test_ranks_have_one_table_and_train_its_weight(drawn_once, tmp_path):
    wrapper = {'type': 'MMDistributedDataParallel', 'device_ids': None, 'broadcast_buffers': False}
    shared = {'launcher': 'pytorch', 'model_wrapper_cfg': wrapper, 'train_cfg__max_epochs': 1}
    direct_run(drawn_once, tmp_path, **shared).dump(tmp_path / 'config.json')
    run_ranks(WORKER, tmp_path, 2)
    first, second = (torch.load(tmp_path / f'rank_{rank}.pth') for rank in range(2))
    assert first[f'{STATE}scale'] != 10
    assert first[f'{STATE}table'].any(1).all()
    names = [name for name in first if name.startswith(STATE)]
    assert not [name for name in names if not torch.equal(first[name], second[name])]
