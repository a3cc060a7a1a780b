import errno
import os
from collections import namedtuple

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

from mmps.features import CachedPeople, FeatureCache, cache, pooled_shards, weights_digest
from mmps.features.pooled_features import PooledFeatures
from mmps.structures import UserError
from mmps.testing.builders import tiny_searcher
from mmps.testing.runs import tiny_run


@pytest.fixture
def people(drawn_set):
    init_default_scope('mmdet')
    return CachedPeople(**tiny_run(drawn_set, 'unused').cached_people)


@pytest.fixture
def model():
    return tiny_searcher(3, reid_branch={'pooling': {'output_size': (8, 4)}}).eval()


def cache_of(root, people, model, **kwargs):
    return FeatureCache(root, people, model.feature_fingerprint(), model.pooled_shape, **kwargs)


def fill(cache, model):
    computed = []

    def compute(shards):
        computed.extend(shards)
        return pooled_shards(model, cache.people, shards)

    cache.fill(compute)
    return computed


def test_rows_are_the_labelled_people_in_order(people):
    expected = []
    for index in range(len(people.dataset)):
        for person in people.dataset.get_data_info(index)['instances']:
            if person['person_id'] >= 0:
                expected.append(person['person_id'])
    original = people.original_ids[people.person_ids]
    assert original.tolist() == expected
    assert sum(people.rows_in(s) for s in range(len(people.shards))) == len(people)
    assert len(people.shards) > 2


def test_features_equal_those_of_the_model_on_each_image(people, model, tmp_path):
    cache = cache_of(tmp_path, people, model, dtype='float32')
    assert fill(cache, model) == list(range(len(people.shards)))
    cached = np.concatenate(cache.open())[:, 0]
    row = 0
    for index in people.images:
        data = people.dataset[index]
        prepared = model.data_preprocessor(
            {'inputs': [data['inputs']], 'data_samples': [data['data_samples']]}
        )
        shown = data['data_samples'].gt_instances
        boxes = shown.bboxes.tensor[shown.person_ids >= 0]
        scale = torch.tensor(data['data_samples'].scale_factor).repeat(2)
        rois = torch.cat([torch.zeros(len(boxes), 1), boxes * scale], dim=1)
        with torch.no_grad():
            expected = model.pool(prepared['inputs'], rois)
        found = torch.from_numpy(cached[row : row + len(boxes)])
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
        row += len(boxes)
    assert row == len(people) == len(cached)


def test_machines_with_copies_of_the_images_share_one_folder(people, model, tmp_path, monkeypatch):
    alone = cache_of(tmp_path, people, model).folder
    ours, folders = people.fingerprint()['images'], set()
    for seen in ([ours, 'other times'], ['other times', ours]):
        monkeypatch.setattr(cache, 'all_gather_object', lambda _, seen=seen: seen)
        folders.add(cache_of(tmp_path, people, model).folder)
    assert len(folders) == 1
    assert alone not in folders


def test_a_whole_cache_is_not_computed_again(people, model, tmp_path):
    assert fill(cache_of(tmp_path, people, model), model)
    assert fill(cache_of(tmp_path, people, model), model) == []


def flip_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize('damage', [flip_byte, truncate])
def test_only_the_broken_shard_is_computed_again(people, model, tmp_path, mm_log, damage):
    cache = cache_of(tmp_path, people, model)
    fill(cache, model)
    before = [shard.copy() for shard in cache.open()]
    damage(cache.shard_path(1))
    assert fill(cache_of(tmp_path, people, model), model) == [1]
    assert 'shard_00001.npy has changed since it was written: it is computed again' in mm_log.text
    for old, new in zip(before, cache.open(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_killed_filling_keeps_its_finished_shards(people, model, tmp_path):
    cache = cache_of(tmp_path, people, model)

    def killed_after_two(shards):
        for count, rows in enumerate(pooled_shards(model, people, shards)):
            if count == 2:
                raise KeyboardInterrupt
            yield rows

    with pytest.raises(KeyboardInterrupt):
        cache.fill(killed_after_two)
    assert fill(cache_of(tmp_path, people, model), model) == list(range(2, len(people.shards)))


def test_anything_that_matters_gives_another_folder(people, model, drawn_set, tmp_path):
    def folder(people=people, model=model, **kwargs):
        return cache_of(tmp_path, people, model, **kwargs).folder

    def source_with(**changes):
        config = tiny_run(drawn_set, 'unused').cached_people
        return CachedPeople(**{**config, **changes})

    usual = folder()
    assert folder() == usual
    others = [folder(dtype='float32'), folder(source_with(mirror=True)),
              folder(source_with(jitters=1)), folder(source_with(all_boxes=True)),
              folder(model=tiny_searcher(4, reid_branch={'pooling': {'output_size': (8, 4)}})),
              folder(model=tiny_searcher(3))]  # fmt: skip
    with torch.no_grad():
        model.detector.backbone.layer1[0].conv1.weight[0, 0, 0, 0] += 1
    others.append(folder())
    image = people.image_paths[3]
    times = os.stat(image).st_atime_ns, os.stat(image).st_mtime_ns
    os.utime(image, ns=(times[0], times[1] + 1))
    others.append(folder())
    os.utime(image, ns=times)
    assert folder() == others[-2]
    annotation = drawn_set / 'mmps' / 'train.json'
    annotation.write_text(annotation.read_text() + '\n')
    others.append(folder())
    assert len({usual, *others}) == len(others) + 1


def test_weights_of_the_branch_do_not_matter(people, model, tmp_path):
    usual = cache_of(tmp_path, people, model).folder
    with torch.no_grad():
        model.reid_branch.head.embedding.weight += 1
    assert cache_of(tmp_path, people, model).folder == usual


def test_digest_tells_one_changed_bit():
    layer = torch.nn.BatchNorm1d(3)
    before = weights_digest(layer)
    assert weights_digest(layer) == before
    layer.running_mean[1] = 1e-30
    assert weights_digest(layer) != before


def test_mirrored_view_equals_that_of_the_mirrored_image(drawn_set, model, tmp_path):
    init_default_scope('mmdet')
    config = tiny_run(drawn_set, 'unused').cached_people
    plain = CachedPeople(**{**config, 'mirror': True})
    cache = cache_of(tmp_path, plain, model, dtype='float32')
    fill(cache, model)
    rows = np.concatenate(cache.open())
    assert rows.shape[1] == 2
    # The network is not mirror-symmetric, so the views differ, but they show the same person.
    assert not np.allclose(rows[:, 0], rows[:, 1])
    correlation = np.corrcoef(rows[:, 0].mean((2, 3)).ravel(), rows[:, 1].mean((2, 3)).ravel())
    assert correlation[0, 1] > 0.9


def test_a_full_disk_is_told_with_the_numbers(people, model, tmp_path, monkeypatch):
    usage = namedtuple('usage', 'total used free')
    monkeypatch.setattr('shutil.disk_usage', lambda path: usage(9, 9, 1000))
    with pytest.raises(
        UserError, match=r'needs 0.00 GB in .*, where 0.00 GB are free: free some space'
    ):
        fill(cache_of(tmp_path, people, model), model)


def test_a_disk_that_fills_up_while_writing_is_told_and_finished_shards_stay(
    people, model, tmp_path, monkeypatch
):
    real, calls = os.fsync, []

    def full_at_the_third_shard(descriptor):
        calls.append(descriptor)
        if len(calls) == 4:  # the header was the first
            raise OSError(errno.ENOSPC, 'No space left on device')
        real(descriptor)

    monkeypatch.setattr('os.fsync', full_at_the_third_shard)
    cache = cache_of(tmp_path, people, model)
    with pytest.raises(UserError, match=r'not be written completely \(No space left .* free some'):
        fill(cache, model)
    assert not list(cache.folder.glob('.*.tmp'))
    assert fill(cache_of(tmp_path, people, model), model) == list(range(2, len(people.shards)))


def test_two_writers_of_one_folder_leave_whole_shards(people, model, tmp_path):
    cache, other = cache_of(tmp_path, people, model), cache_of(tmp_path, people, model)

    def overtaken(shards):
        for shard, rows in zip(shards, pooled_shards(model, people, shards), strict=True):
            if shard == 1:
                assert fill(other, model) == list(range(1, len(people.shards)))
            yield rows

    cache.fill(overtaken)
    assert fill(cache_of(tmp_path, people, model), model) == []
    for mine, theirs in zip(cache.open(), other.open(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_whole_cache_in_a_read_only_folder_is_used(people, model, tmp_path, monkeypatch):
    fill(cache_of(tmp_path, people, model), model)
    monkeypatch.setattr('os.replace', lambda *a: (_ for _ in ()).throw(OSError('read-only')))
    assert fill(cache_of(tmp_path, people, model), model) == []


def test_ranks_share_the_work_and_agree_on_it(people, model, tmp_path, monkeypatch):
    fill(cache_of(tmp_path, people, model), model)
    for shard in (0, 2):
        flip_byte(cache_of(tmp_path, people, model).shard_path(shard))
    seen_by = {0: {0: 'changed', 2: 'changed'}, 1: {}}
    caches = [cache_of(tmp_path, people, model) for _ in seen_by]
    for rank, share in ((0, [0]), (1, [2])):
        monkeypatch.setattr('mmps.features.cache.get_dist_info', lambda r=rank: (r, 2))
        monkeypatch.setattr(
            'mmps.features.cache.all_gather_object', lambda mine: [*seen_by.values()]
        )
        assert fill(caches[rank], model) == share


def test_bfloat16_is_stored_in_two_bytes_and_read_back(people, model, tmp_path):
    exact = cache_of(tmp_path, people, model, dtype='float32')
    half = cache_of(tmp_path, people, model, dtype='bfloat16')
    fill(exact, model)
    fill(half, model)
    assert half.size * 2 == exact.size
    for storage in ('disk', 'memory'):
        features = PooledFeatures(people.person_ids, {}, storage)
        features.open(half.open())
        found = features.__getitems__([5, 0, 7])['pooled']
        rows = torch.from_numpy(np.concatenate(exact.open()))[[5, 0, 7], 0]
        assert found.dtype == torch.float32
        assert torch.equal(found, rows.bfloat16().float())


def test_a_folder_that_cannot_be_written_is_told(people, model, tmp_path):
    if os.geteuid() == 0:
        (tmp_path / 'file').write_text('')
        root = tmp_path / 'file' / 'below'  # root may write anywhere, but not below a file
    else:
        root = tmp_path / 'locked'
        root.mkdir(mode=0o500)
    with pytest.raises(UserError, match=r'cannot be written to .*: set `its key` to a folder'):
        fill(cache_of(root, people, model, setting='`its key`'), model)


def test_an_unknown_dtype_is_told(people, model, tmp_path):
    with pytest.raises(
        UserError, match="dtype 'int4' must be one of float16, float32, bfloat16, uint8"
    ):
        cache_of(tmp_path, people, model, dtype='int4')


@pytest.mark.parametrize('storage', ['disk', 'memory', 'device'])
def test_batches_are_the_same_wherever_features_live(storage):
    rng = np.random.default_rng(0)
    shards = [rng.normal(size=(n, 2, 3, 4, 2)).astype(np.float16) for n in (3, 1, 4)]
    ids = np.array([0, 0, 1, 2, 2, 3, 3, 3])
    features = PooledFeatures(ids, {}, storage)
    features.open(shards)
    indices = [7, 0, 3, 3, 2]
    torch.manual_seed(1)
    batch = features.__getitems__(indices)
    torch.manual_seed(1)
    views = torch.randint(2, (5,)).tolist()
    rows = np.concatenate(shards)
    expected = np.stack([rows[i, v] for i, v in zip(indices, views, strict=True)])
    np.testing.assert_array_equal(batch['pooled'].numpy(), expected.astype(np.float32))
    assert batch['person_ids'].tolist() == ids[indices].tolist()
    assert features[3]['pooled'].shape == (3, 4, 2)


def test_features_of_others_are_refused():
    with pytest.raises(ValueError, match='3 cached features for 4 people'):
        PooledFeatures(np.zeros(4, int), {}).open([np.zeros((3, 1, 2, 2, 2))])
    with pytest.raises(ValueError, match="storage='tape' must be one of disk, memory, device"):
        PooledFeatures(np.zeros(4, int), {}, 'tape')
