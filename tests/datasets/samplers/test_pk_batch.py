from collections import Counter

import numpy as np
import pytest

from mmps.datasets.samplers import pk_batch
from mmps.datasets.samplers.pk_batch import PKBatchSampler

SHOTS = [5, 1, 2, 4, 9, 3, 4]


def ids_with_shots(shots):
    ids = np.repeat(np.arange(len(shots)) * 10, shots)
    return np.random.default_rng(0).permutation(np.append(ids, [-1, -1, -1]))


def test_an_epoch_shows_every_identity_once_with_k_shots():
    ids = ids_with_shots(SHOTS)
    sampler = PKBatchSampler(ids, identities=3, shots=4)
    batches = list(sampler)
    assert len(batches) == len(sampler) == 3  # ceil(7 / 3)
    assert [len(batch) for batch in batches] == [12, 12, 4]
    seen = Counter()
    for batch in batches:
        counts = Counter(ids[batch].tolist())
        assert set(counts.values()) == {4}
        seen.update(counts.keys())
    assert seen == Counter(set(ids[ids >= 0].tolist()))


def test_shots_repeat_only_where_an_identity_has_too_few():
    ids = ids_with_shots(SHOTS)
    (batch,) = PKBatchSampler(ids, identities=7, shots=4)
    for identity, shots in zip(np.arange(7) * 10, SHOTS, strict=True):
        drawn = [index for index in batch if ids[index] == identity]
        assert len(set(drawn)) == min(shots, 4)


def test_an_epoch_is_a_function_of_seed_and_number():
    ids = ids_with_shots(SHOTS)

    def epoch(seed, number):
        sampler = PKBatchSampler(ids, identities=3, shots=2, seed=seed)
        sampler.set_epoch(number)
        return list(sampler)

    assert epoch(1, 5) == epoch(1, 5)
    assert epoch(1, 5) != epoch(1, 6)
    assert epoch(1, 5) != epoch(2, 5)


def test_every_sample_is_drawn_in_the_long_run():
    ids = ids_with_shots(SHOTS)
    sampler = PKBatchSampler(ids, identities=7, shots=2)
    drawn = set()
    for number in range(60):
        sampler.set_epoch(number)
        drawn.update(*sampler)
    assert drawn == set(np.flatnonzero(ids >= 0).tolist())


@pytest.mark.parametrize('world_size', [2, 3])
def test_ranks_share_the_same_global_batches(monkeypatch, world_size):
    ids = ids_with_shots([4] * 12)
    whole = list(PKBatchSampler(ids, identities=6, shots=2))
    shares = []
    for rank in range(world_size):
        monkeypatch.setattr(pk_batch, 'get_dist_info', lambda rank=rank: (rank, world_size))
        sampler = PKBatchSampler(ids, identities=6, shots=2)
        assert sampler.batch_size == 12 // world_size
        shares.append(list(sampler))
    for index, batch in enumerate(whole):
        assert [i for share in shares for i in share[index]] == batch


def test_ranks_have_equal_shares_of_an_uneven_last_batch(monkeypatch):
    ids = ids_with_shots([4] * 7)
    shares = []
    for rank in range(2):
        monkeypatch.setattr(pk_batch, 'get_dist_info', lambda rank=rank: (rank, 2))
        shares.append([len(b) for b in PKBatchSampler(ids, identities=4, shots=2)])
    assert shares[0] == shares[1] == [4, 4]


def test_impossible_settings_are_told(monkeypatch):
    with pytest.raises(ValueError, match='no sample has an identity'):
        PKBatchSampler(np.array([-1, -1]))
    monkeypatch.setattr(pk_batch, 'get_dist_info', lambda: (0, 3))
    with pytest.raises(ValueError, match='32 identities per batch cannot be shared by 3 ranks'):
        PKBatchSampler(np.array([0, 0, 1]))


def test_mmengines_seed_hook_finds_the_sampler():
    sampler = PKBatchSampler(np.array([0, 0, 1]))
    assert sampler.sampler is sampler
