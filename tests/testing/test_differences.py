from __future__ import annotations

import pytest
import torch

from mmps.testing.differences import compare, differences

STATE = {'w': torch.tensor([1.0, 2.0]), 'step': 3, 'list': [1, torch.ones(1)], 'none': None}


@pytest.mark.parametrize(
    ('changed', 'found'),
    [
        ({}, []),
        ({'w': torch.tensor([1.0, 2.0 + 3e-7])}, ['x.w']),
        ({'w': torch.tensor([1.0, 2.0]).double()}, ['x.w']),
        ({'w': torch.tensor([[1.0, 2.0]])}, ['x.w']),
        ({'w': 1.0}, ['x.w']),
        ({'step': 4}, ['x.step']),
        ({'step': torch.tensor(3)}, ['x.step']),
        ({'none': {}}, ['x.none']),
        ({'more': 1}, ['x (keys)']),
        ({'list': [1]}, ['x.list (length)']),
        ({'list': 1}, ['x.list']),
    ],
)
def test_any_difference_is_named(changed, found):
    assert differences(STATE, {**STATE, **changed}, 'x') == found


def test_bits_are_compared_and_not_values():
    zero, nan = torch.zeros(2), torch.full((), float('nan'))
    assert differences(zero, -zero, 'w') == ['w']
    assert differences(nan, nan.clone(), 'w') == []


@pytest.mark.parametrize('key', ['state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers'])
@pytest.mark.parametrize('how', ['other', 'missing'])
def test_all_that_a_run_goes_on_from_is_compared(tmp_path, key, how):
    keys = ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers')
    content = {**{k: {'a': torch.ones(2)} for k in keys}, 'meta': {'time': 1}}
    torch.save(content, tmp_path / 'whole.pth')
    torch.save({**content, 'meta': {'time': 2}}, tmp_path / 'same.pth')
    assert compare(tmp_path / 'whole.pth', tmp_path / 'same.pth') == []
    changed = {**content, key: {'a': torch.zeros(2)}}
    if how == 'missing':
        del changed[key]
    torch.save(changed, tmp_path / 'other.pth')
    expected = [f'{key}.a' if how == 'other' else key]
    assert compare(tmp_path / 'whole.pth', tmp_path / 'other.pth') == expected
