from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.optim.scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    CosineRestartLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    OneCycleLR,
    PolyLR,
    ReduceOnPlateauLR,
    StepLR,
)

from mmps.checkpoints.portable import make_portable, restore

SCHEDULERS = [
    (ConstantLR, {}),
    (CosineAnnealingLR, {'T_max': 9}),
    (CosineRestartLR, {'periods': [4, 5], 'restart_weights': [1, 0.5], 'eta_min': 0.0}),
    (ExponentialLR, {'gamma': 0.9}),
    (LinearLR, {}),
    (MultiStepLR, {'milestones': [3, 5]}),
    (OneCycleLR, {'eta_max': 0.1, 'total_steps': 9}),
    (OneCycleLR, {'eta_max': 0.1, 'total_steps': 9, 'anneal_strategy': 'linear'}),
    (PolyLR, {'power': 1, 'end': 9}),
    (ReduceOnPlateauLR, {'monitor': 'loss', 'patience': 1}),
    (StepLR, {'step_size': 3}),
]


@pytest.fixture
def stock():
    """Torch as it is where nobody imported mmps."""
    if not hasattr(torch.serialization, 'clear_safe_globals'):
        pytest.skip('this torch knows no names to allow')
    allowed = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    yield
    torch.serialization.add_safe_globals(allowed)


def written(checkpoint, folder):
    """A checkpoint made portable, saved and read by stock torch."""
    make_portable(checkpoint)
    torch.save(checkpoint, folder / 'file.pth')
    return torch.load(folder / 'file.pth', weights_only=True)


def histories():
    hub = MessageHub.get_instance('portable')
    hub.log_scalars.clear()
    for value in (0.1, 1e-300, float('nan'), 3.0):
        hub.update_scalar('train/loss', value, count=2)
    hub.update_scalar('train/number', 7)
    hub.log_scalars['train/none'] = HistoryBuffer(max_length=5)
    hub._resumed_keys['train/none'] = True
    hub.update_info('eta', np.float64(1) / 3)
    hub.update_info('matrix', np.arange(6, dtype=np.int16).reshape(2, 3))
    hub.update_info('names', ('a', {'b': [True, None]}))
    return hub


def test_histories_come_back_to_the_bit(stock, tmp_path):
    hub = histories()
    content = written({'message_hub': hub.state_dict(), 'meta': {}}, tmp_path)
    restore(content)
    other = MessageHub.get_instance('portable_again')
    other.load_state_dict(content['message_hub'])
    assert other.log_scalars.keys() == hub.log_scalars.keys()
    for name, history in hub.log_scalars.items():
        found = other.log_scalars[name]
        assert found.max_length == history.max_length
        for one, two in zip(found.data, history.data, strict=True):
            assert one.dtype == two.dtype
            assert one.tobytes() == two.tobytes()
    other.update_scalar('train/loss', 5.0)
    assert other.get_scalar('train/loss').current() == 5.0
    assert other.get_info('eta') == 1 / 3
    assert other.get_info('names') == ('a', {'b': [True, None]})
    np.testing.assert_array_equal(other.get_info('matrix'), hub.get_info('matrix'))


@pytest.mark.parametrize(('kind', 'settings'), SCHEDULERS, ids=str)
def test_schedules_go_on_as_if_nothing_had_been(stock, tmp_path, kind, settings):
    def build():
        parameter = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)
        return optimizer, kind(optimizer, **settings)

    def step(optimizer, scheduler, index):
        optimizer.step()
        metrics = ({'loss': float(index)},) if kind is ReduceOnPlateauLR else ()
        scheduler.step(*metrics)
        return optimizer.param_groups[0]['lr']

    optimizer, scheduler = build()
    for index in range(4):
        step(optimizer, scheduler, index)
    content = written({'param_schedulers': [scheduler.state_dict()]}, tmp_path)
    other_optimizer, other = build()
    other_optimizer.load_state_dict(optimizer.state_dict())
    other.load_state_dict(content['param_schedulers'][0])
    whole = [step(optimizer, scheduler, index) for index in range(4, 8)]
    assert [step(other_optimizer, other, index) for index in range(4, 8)] == whole


def test_what_mmengine_saved_itself_is_left_as_it_is():
    state = histories().state_dict()
    before = {name: history.data for name, history in state['log_scalars'].items()}
    checkpoint = {'message_hub': state}
    restore(checkpoint)
    for name, history in checkpoint['message_hub']['log_scalars'].items():
        assert isinstance(history, HistoryBuffer)
        assert history.data[0] is before[name][0]


def test_weights_alone_are_left_alone():
    weights = {'state_dict': {'a': torch.zeros(2)}}
    make_portable(weights)
    restore(weights)
    assert weights.keys() == {'state_dict'}
