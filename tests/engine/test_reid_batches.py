"""Ranks train phase 2 as one process with the joined batch would; what cannot be is refused."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmps.datasets.samplers import pk_batch
from mmps.datasets.samplers.pk_batch import PKBatchSampler
from mmps.engine.reid_batches import check_mining
from mmps.structures import ConfigError
from mmps.testing.ranks import run_ranks
from mmps.testing.reid_steps import joint_step, reid_steps

WORKER = """
    from mmps.testing.reid_steps import joint_step, reid_steps


    def work():
        data = torch.load(f'{folder}/data.pth')
        steps = {name: reid_steps(loss, data) for name, loss in data['losses'].items()}
        steps['joint'] = joint_step([data['images'][world_size][rank]])
        torch.save(steps, f'{folder}/rank_{rank}_of_{world_size}.pth')
"""
LOSSES = {
    'semi-hard': {'type': 'mmps.SemiHardTripletLoss', 'margin': 0.3},
    'batch-hard': {'type': 'mmps.BatchHardTripletLoss', 'margin': 0.3},
    'memory': {
        'type': 'mmps.CrossBatchTripletLoss',
        'loss': {'type': 'mmps.BatchHardTripletLoss', 'margin': 0.3},
    },
}
# Of 35 identities the last batch of 32 leaves 3. In the joint phase nobody is known on one rank.
IDS = np.repeat(np.arange(35), 4)
IMAGES = {2: [[0, 1, 0], []], 4: [[0], [1, 0, -1], [], [1]]}


def differences(found, expected):
    """Differences of values and of weights, which a step moves by their whole gradient."""
    for (value, weights), (wanted, theirs) in zip(found, expected, strict=True):
        yield abs(value - wanted)
        for key in theirs:
            yield (weights[key] - theirs[key]).abs().max().item()


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason='torch without distribution')
@pytest.mark.parametrize('world_size', [2, 4])
def test_steps_of_ranks_equal_those_of_one_process(tmp_path, world_size):
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(len(IDS), 32, 8, 4, generator=generator)
    data = {'ids': torch.from_numpy(IDS), 'features': features, 'losses': LOSSES, 'images': IMAGES}
    torch.save(data, tmp_path / 'data.pth')
    run_ranks(WORKER, tmp_path, world_size)
    found = [torch.load(tmp_path / f'rank_{r}_of_{world_size}.pth') for r in range(world_size)]
    for name, loss in LOSSES.items():
        expected = reid_steps(copy.deepcopy(loss), data)
        assert len(expected) == 2
        assert all(value > 0 for value, _ in expected)
        for rank in found:
            assert max(differences(rank[name], expected)) < 1e-9, name
    expected = joint_step(IMAGES[world_size])
    for rank in found:
        # Images come in single precision, and the step moves weights by their whole gradient.
        assert max(differences([rank['joint']], [expected])) < 1e-5


def head(gather):
    return SimpleNamespace(gather=gather)


def on_ranks(monkeypatch, world_size, identities):
    monkeypatch.setattr(pk_batch, 'get_dist_info', lambda: (0, world_size))
    return PKBatchSampler(IDS, identities)


@pytest.mark.parametrize(('world_size', 'identities', 'share'), [(4, 4, '1'), (3, 32, '10.6667')])
def test_ranks_that_mine_alone_in_too_little_are_refused(
    monkeypatch, world_size, identities, share
):
    sampler = on_ranks(monkeypatch, world_size, identities)
    with pytest.raises(ConfigError, match=rf'gather=False with {identities} .* leaves {share} to'):
        check_mining(sampler, head(gather=False))
    check_mining(sampler, head(gather=True))


def test_ranks_that_mine_alone_among_enough_identities_are_not(monkeypatch):
    check_mining(on_ranks(monkeypatch, 4, 32), head(gather=False))
    check_mining(on_ranks(monkeypatch, 1, 1), head(gather=False))
