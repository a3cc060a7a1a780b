from __future__ import annotations

import numpy as np
import pytest

from mmps.gallery import Rows, open_gallery
from mmps.gallery import workers as module
from mmps.gallery.indexing import index
from mmps.gallery.sources import shard_of
from mmps.gallery.workers import WorkerNote, workers
from mmps.structures import DataError

from .test_indexing import MODEL, SETTINGS, find, footage  # noqa: F401


def test_shards_cover_every_source_once():
    sources = [f'{i}.mp4' for i in range(11)]
    for count in (1, 2, 4, 11, 15):
        parts = [shard_of(sources, f'{i}/{count}') for i in range(1, count + 1)]
        assert sorted(path for part in parts for path in part) == sorted(sources)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize('text', ['0/4', '5/4', '4', '1/0', 'a/b', '-1/4', '1/4/2', ''])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(DataError, match='no shard'):
        shard_of(['a'], text)


def contents(gallery):
    rows = Rows.joined(gallery.rows(vectors=True))
    return rows[np.argsort(rows.ids)]


def test_four_shards_into_one_gallery_are_one_run(place, tmp_path, footage):  # noqa: F811
    with open_gallery(place('one'), model=MODEL, mode='w') as one:
        index(one, find, footage, SETTINGS)
        expected, states = contents(one), one.progress()
    for number in range(1, 5):
        with open_gallery(place('shards'), model=MODEL, mode='w') as gallery:
            own = shard_of(footage, f'{number}/4')
            with WorkerNote(gallery, f'{number}/4', ['footage'], len(own)) as note:
                index(gallery, find, own, SETTINGS, note.report)
            # A file that a second worker claims too changes nothing.
            index(gallery, find, footage[:2], SETTINGS)
    with open_gallery(place('shards')) as gallery:
        found = contents(gallery)
        for name in ('ids', 'vectors', 'boxes', 'scores', 'frame', 'slot', 'time'):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        assert list(found.source) == list(expected.source)
        assert gallery.progress() == states
        shares = workers(gallery)
        assert [w.shard for w in shares] == ['1/4', '2/4', '3/4', '4/4']
        assert [(w.done, w.finished) for w in shares] == [(w.sources, True) for w in shares]
        assert sum(w.sources for w in shares) == len(footage)


def test_a_worker_that_is_stopped_shows_how_far_it_was(tmp_path, footage, monkeypatch):  # noqa: F811
    monkeypatch.setattr(module, 'INTERVAL', 0.0)
    calls = []

    def find_some(images):
        calls.append(len(images))
        if len(calls) > 8:
            raise KeyboardInterrupt
        return find(images)

    with open_gallery(tmp_path / 'a.mmps', model=MODEL, mode='w') as gallery:
        with pytest.raises(KeyboardInterrupt), WorkerNote(gallery, '1/2', ['x'], 7) as note:
            index(gallery, find_some, footage, SETTINGS, note.report)
        (worker,) = workers(gallery)
        assert not worker.finished
        assert 0 < worker.done < 7
        with WorkerNote(gallery, '1/2', ['x'], 7) as note:  # again: the same worker
            index(gallery, find, footage, SETTINGS, note.report)
        (worker,) = workers(gallery)
        assert (worker.done, worker.finished) == (7, True)
        with WorkerNote(gallery, '1/2', ['other inputs'], 3):
            assert len(workers(gallery)) == 2
        monkeypatch.setattr(module, 'FORGOTTEN', -1.0)
        with WorkerNote(gallery, '2/2', ['x'], 3):
            assert [w.shard for w in workers(gallery)] == ['2/2']
