from collections import Counter
from itertools import chain

import numpy as np
import pytest

from mmps.datasets.samplers import pk_batch
from mmps.datasets.samplers.pk_batch import PKBatchSampler

SHOTS = [5, 1, 2, 4, 9, 3, 4]
DRAWN = [[9, 11, 1, 0], [7, 6, 14, 13], [4, 5]]


def ids_with_shots(shots):
    ids = np.repeat(np.arange(len(shots)) * 10, shots)
    return np.random.default_rng(0).permutation(np.append(ids, [-1, -1, -1]))


def test_an_epoch_shows_every_identity_once_with_k_shots():
    ids = ids_with_shots(SHOTS)
    sampler = PKBatchSampler(ids, identities=3, shots=4, unlabelled=0)
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
    (batch,) = PKBatchSampler(ids, identities=7, shots=4, unlabelled=0)
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


def test_draws_are_those_of_earlier_versions_so_that_their_runs_resume():
    sampler = PKBatchSampler(np.repeat(np.arange(5), 3), identities=2, shots=2, seed=7)
    sampler.set_epoch(3)
    assert list(sampler) == DRAWN


def test_every_sample_is_drawn_in_the_long_run():
    ids = ids_with_shots(SHOTS)
    sampler = PKBatchSampler(ids, identities=7, shots=2)
    drawn = set()
    for number in range(60):
        sampler.set_epoch(number)
        drawn.update(*sampler)
    assert drawn == set(range(len(ids)))


def shares(monkeypatch, world_size, *args, **kwargs):
    """Batches of every rank, then those of one process."""
    ranks = []
    for rank in range(world_size):
        monkeypatch.setattr(pk_batch, 'get_dist_info', lambda rank=rank: (rank, world_size))
        ranks.append(list(PKBatchSampler(*args, **kwargs)))
    monkeypatch.setattr(pk_batch, 'get_dist_info', lambda: (0, 1))
    return ranks, list(PKBatchSampler(*args, **kwargs))


@pytest.mark.parametrize('world_size', [2, 3])
def test_ranks_share_the_same_global_batches(monkeypatch, world_size):
    ids = ids_with_shots([4] * 12)
    ranks, whole = shares(monkeypatch, world_size, ids, 6, 2, unlabelled=0)
    for index, batch in enumerate(whole):
        parts = [rank[index] for rank in ranks]
        assert [len(part) for part in parts] == [12 // world_size] * world_size
        assert list(chain(*parts)) == batch


@pytest.mark.parametrize('world_size', [2, 4, 8, 64])
def test_batches_of_prw_stay_whole_on_any_number_of_ranks(monkeypatch, world_size):
    ids = np.repeat(np.arange(483), 5)  # 15 batches of 32 identities and one of 3
    ranks, whole = shares(monkeypatch, world_size, ids)
    assert [len(batch) for batch in whole] == [128] * 15 + [12]
    for index, batch in enumerate(whole):
        parts = [rank[index] for rank in ranks]
        assert list(chain(*parts)) == batch
        sizes = [len(part) for part in parts]
        assert max(sizes) - min(sizes) <= 1
    assert all(len(set(ids[rank[0]])) == 32 // world_size for rank in ranks if world_size <= 32)


def test_unlabelled_samples_come_beside_the_same_identities(monkeypatch):
    ids = ids_with_shots(SHOTS)
    ids[ids == -1] = [-1, -2, -1]
    without = list(PKBatchSampler(ids, identities=3, shots=2, unlabelled=0))
    ranks, whole = shares(monkeypatch, 2, ids, 3, 2, unlabelled=2)
    unknown = []
    for batch, known in zip(whole, without, strict=True):
        assert batch[:-2] == known
        assert (ids[batch[-2:]] < 0).all()
        unknown += batch[-2:]
    assert set(unknown) == set(np.flatnonzero(ids < 0))
    for index, batch in enumerate(whole):
        assert sorted(ranks[0][index] + ranks[1][index]) == sorted(batch)
        assert [(ids[rank[index]] < 0).sum() for rank in ranks] == [1, 1]


def test_as_many_unlabelled_samples_as_identities_are_drawn_where_there_are_some():
    ids = ids_with_shots(SHOTS)
    batches = list(PKBatchSampler(ids, identities=2, shots=2))
    assert [(ids[batch] < 0).sum() for batch in batches] == [2, 2, 2, 2]
    labelled = np.repeat(np.arange(4), 3)
    assert [len(batch) for batch in PKBatchSampler(labelled, identities=2, shots=2)] == [4, 4]


def test_impossible_settings_are_told():
    with pytest.raises(ValueError, match='no sample has an identity'):
        PKBatchSampler(np.array([-1, -2]))
    with pytest.raises(ValueError, match='unlabelled=-1 at least 0'):
        PKBatchSampler(np.array([0, 0, 1]), unlabelled=-1)


def test_mmengines_seed_hook_finds_the_sampler():
    sampler = PKBatchSampler(np.array([0, 0, 1]))
    assert sampler.sampler is sampler
