"""Ranks train phase 2 as one process with the joined batch would; what cannot be is refused."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmps.datasets.samplers import pk_batch
from mmps.datasets.samplers.pk_batch import PKBatchSampler
from mmps.engine.reid_batches import check_mining, check_unlabelled
from mmps.registry import MODELS
from mmps.structures import ConfigError
from mmps.testing import table_loss  # noqa: F401  # registration
from mmps.testing.ranks import run_ranks
from mmps.testing.reference_losses import batch_hard_loss
from mmps.testing.reid_steps import joint_step, reid_model, reid_steps
from mmps.testing.runs import tiny_run, train

WORKER = """
    from mmps.testing import table_loss
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
    'table': {'type': 'TableLoss', 'num_ids': 35, 'embedding_channels': 8},
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


PLAIN, WITH_UNLABELLED = (
    {'type': 'mmps.BatchHardTripletLoss', 'unlabelled_negatives': value} for value in (False, True)
)
MEMORY = {'type': 'mmps.CrossBatchTripletLoss', 'loss': WITH_UNLABELLED}
SOME_UNKNOWN = np.where(IDS == 3, -2, IDS)


@pytest.mark.parametrize(
    ('all_boxes', 'unlabelled', 'losses', 'message'),
    [
        (True, None, [PLAIN], 'all_boxes=True caches .* whom no loss of two_phase.stages uses'),
        (False, None, [PLAIN, WITH_UNLABELLED], 'not in the cache: set cached_people.all_boxes='),
        (False, None, [MEMORY], 'not in the cache: set cached_people.all_boxes='),
        (True, 0, [WITH_UNLABELLED], r'batches\.unlabelled=0 keeps out'),
    ],
)
def test_settings_for_unknown_people_that_would_change_nothing_are_refused(
    all_boxes, unlabelled, losses, message
):
    sampler = PKBatchSampler(SOME_UNKNOWN, unlabelled=unlabelled)
    with pytest.raises(ConfigError, match=message):
        check_unlabelled(all_boxes, sampler, [MODELS.build(loss) for loss in losses])


def test_a_set_without_unknown_people_is_told(mm_log):
    check_unlabelled(True, PKBatchSampler(IDS), [MODELS.build(WITH_UNLABELLED)])
    assert 'everybody in the data set has one' in mm_log.text


def test_settings_that_fit_pass(mm_log):
    losses = [MODELS.build(loss) for loss in (PLAIN, MEMORY)]
    check_unlabelled(True, PKBatchSampler(SOME_UNKNOWN), losses)
    check_unlabelled(False, PKBatchSampler(IDS), losses[:1])
    assert not mm_log.text


@pytest.mark.parametrize('unlabelled', [0, 5])
def test_the_loss_of_phase_2_is_the_naive_one_with_the_unknown_people_of_the_batch(unlabelled):
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(len(IDS), 32, 8, 4, generator=generator)
    data = {'ids': torch.from_numpy(SOME_UNKNOWN), 'features': features}
    sampling = {'identities': 8, 'shots': 2, 'unlabelled': unlabelled}
    value, _ = reid_steps(WITH_UNLABELLED, data, **sampling)[0]
    batch = next(iter(PKBatchSampler(SOME_UNKNOWN, **sampling)))
    ids = SOME_UNKNOWN[batch].tolist()
    assert (np.array(ids) < 0).sum() == unlabelled
    model = reid_model(WITH_UNLABELLED, 'reid').double()
    embeddings = model.reid_branch.embed(features[batch].double())
    expected = batch_hard_loss(embeddings, ids, 0.3, 'euclidean', unlabelled_negatives=True)
    assert value == pytest.approx(expected.item(), abs=1e-9)


@pytest.mark.slow
def test_unknown_people_change_what_phase_2_learns(drawn_once, tmp_path):
    def final(name, **changes):
        config = tiny_run(drawn_once, tmp_path / name, **changes)
        for stage in config.default_hooks.two_phase.stages:
            stage.loss.unlabelled_negatives = bool(changes)
        return train(config)

    plain, other = final('plain'), final('other', cached_people__all_boxes=True)
    people = other.train_dataloader.dataset.person_ids
    assert (people < 0).any()
    assert (people >= 0).sum() == len(plain.train_dataloader.dataset)
    states = [runner.model.state_dict() for runner in (plain, other)]
    changed = {key for key in states[0] if not torch.equal(states[0][key], states[1][key])}
    assert any(key.startswith('reid_branch.') for key in changed)
    assert not any(key.startswith('detector.') for key in changed)
