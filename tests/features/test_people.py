"""People of several data sets in one cache, and what the cache is tied to."""

import json
import os
import shutil

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmps.datasets import PersonSearchDataset
from mmps.digests import files_digest
from mmps.features import CachedPeople
from mmps.structures import ConfigError
from mmps.testing.runs import tiny_run, train


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmdet')


@pytest.fixture
def roots(drawn_set, tmp_path):
    """Two data sets with the same person ids for other people."""
    other = shutil.copytree(drawn_set, tmp_path / 'other')
    path = other / 'mmps' / 'train.json'
    content = json.loads(path.read_text())
    content['annotations'] = content['annotations'][::-1]
    path.write_text(json.dumps(content))
    return drawn_set, other


def loader(root, **changes):
    config = tiny_run(root, 'unused').cached_people
    config.dataset.update(changes)
    return config


def joined(roots, **changes):
    config = loader(roots[0])
    parts = [loader(root, **changes).dataset for root in roots]
    config.dataset = {'type': 'ConcatDataset', 'datasets': parts}
    return config


def test_identities_of_joined_sets_are_numbered_through(roots):
    alone = [CachedPeople(**loader(root)) for root in roots]
    both = CachedPeople(**joined(roots))
    count = len(alone[0].original_ids)
    assert both.original_ids.tolist() == [i for s in alone for i in s.original_ids.tolist()]
    expected = np.concatenate([alone[0].person_ids, alone[1].person_ids + count])
    np.testing.assert_array_equal(both.person_ids, expected)
    shift = len(alone[0].dataset)
    assert both.images == [*alone[0].images, *(i + shift for i in alone[1].images)]
    assert both.image_paths == alone[0].image_paths + alone[1].image_paths


def test_data_sets_that_name_no_space_have_one_each(roots, monkeypatch):
    expected = CachedPeople(**joined(roots)).person_ids
    load = PersonSearchDataset.load_data_list

    def without_spaces(self):
        return [
            {key: value for key, value in info.items() if key != 'identity_space'}
            for info in load(self)
        ]

    monkeypatch.setattr(PersonSearchDataset, 'load_data_list', without_spaces)
    np.testing.assert_array_equal(CachedPeople(**joined(roots)).person_ids, expected)


def test_files_of_one_space_share_their_identities(roots):
    both = CachedPeople(**joined(roots, identity_space='the same people'))
    alone = CachedPeople(**loader(roots[0]))
    assert both.original_ids.tolist() == alone.original_ids.tolist()
    assert len(both) == 2 * len(alone)


def test_the_fingerprint_is_over_all_annotation_files(roots):
    def fingerprint():
        return CachedPeople(**joined(roots)).fingerprint()

    usual = fingerprint()
    assert fingerprint() == usual
    path = roots[1] / 'mmps' / 'train.json'
    path.write_text(path.read_text() + '\n')
    assert fingerprint()['annotations'][0] == usual['annotations'][0]
    assert fingerprint()['annotations'][1] != usual['annotations'][1]


def test_the_pipeline_of_every_part_is_checked(roots):
    config = joined(roots)
    wrong = [dict(step) for step in config.dataset['datasets'][1].pipeline]
    config.dataset['datasets'][1].pipeline = [wrong[0], wrong[2], wrong[1], wrong[3]]
    with pytest.raises(ConfigError, match='put LoadAnnotations after Resize'):
        CachedPeople(**config)


def test_a_set_that_shows_images_twice_is_refused(drawn_set):
    config = loader(drawn_set)
    config.dataset = {'type': 'RepeatDataset', 'times': 2, 'dataset': config.dataset}
    with pytest.raises(ConfigError, match="type='RepeatDataset' shows images more than once"):
        CachedPeople(**config)


@pytest.mark.slow
def test_a_run_learns_the_people_of_joined_sets(roots, tmp_path):
    config = tiny_run(roots[0], tmp_path / 'run', default_hooks__two_phase__detection_epochs=1)
    config.train_cfg.max_epochs = 4
    config.cached_people = joined(roots)
    runner = train(config)
    alone = CachedPeople(**loader(roots[0]))
    assert len(runner.train_dataloader.dataset) == 2 * len(alone)
    assert len(runner.train_dataloader.dataset.person_ids.unique()) == 2 * len(alone.original_ids)


def test_sizes_and_times_of_files_are_seen_and_places_are_not(tmp_path):
    first, second = tmp_path / 'a.jpg', tmp_path / 'b.jpg'
    first.write_bytes(b'abc')
    shutil.copy2(first, second)
    usual = files_digest([str(first)])
    assert files_digest([str(second)]) == usual
    second.write_bytes(b'xyz')
    os.utime(second, ns=(0, first.stat().st_mtime_ns + 1))
    assert files_digest([str(second)]) != usual
    second.write_bytes(b'abcd')
    os.utime(second, ns=(0, first.stat().st_mtime_ns))
    assert files_digest([str(second)]) != usual
    assert files_digest(['s3://bucket/a.jpg']) != files_digest([str(first)])
