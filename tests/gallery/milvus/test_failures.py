"""A gallery on Milvus after kills of writer and server, and what its readers see."""

from __future__ import annotations

import signal
import time

import numpy as np
import pytest

from mmps.gallery import Where, open_gallery
from mmps.testing.servers import MilvusServer

from ..conftest import MODEL, people, state
from ..postgresql.test_failures import start_writer
from ..sqlite.test_failures import BATCH

pytestmark = pytest.mark.slow


def check_whole(place, acknowledged):
    """Nothing acknowledged is lost, no batch is there by half, progress is one behind at most."""
    with open_gallery(place) as gallery:
        batches, rest = divmod(gallery.count(), BATCH)
        assert rest == 0
        assert batches >= acknowledged
        done = gallery.progress()['a.mp4'].last_frame + 1
        assert done in (4 * batches, 4 * batches - 4)
        frames = np.concatenate([rows.frame for rows in gallery.rows()])
        assert sorted(frames.tolist()) == np.repeat(np.arange(4 * batches), 3).tolist()


def killed(writer, kill):
    first = writer.stdout.readline()
    assert first
    time.sleep(1.0)
    kill()
    lines = [first, *writer.stdout.read().splitlines()]
    writer.wait()
    return int(lines[-1]) + 1


def test_kills_of_writer_and_server_lose_nothing_that_was_acknowledged(tmp_path):
    server = MilvusServer(tmp_path)
    try:
        place = server.place('a')
        writer = start_writer(place)
        acknowledged = killed(writer, lambda: writer.send_signal(signal.SIGKILL))
        check_whole(place, acknowledged)
        acknowledged = killed(start_writer(place), server.kill)
        server.restart()
        check_whole(place, acknowledged)
    finally:
        server.stop()


def test_own_changes_are_seen_at_once(milvus):
    with open_gallery(milvus.place('a'), model=MODEL, mode='w') as gallery:
        for number in range(5):
            source = f'{number}.mp4'
            gallery.add(people(source, seed=number), [state(source, f'digest-{number}')])
            (hits,) = gallery.search(people(source, seed=number).vectors[:1], 1)
            assert hits.rows.source[0] == source
            gallery.remove(Where(sources=[source]))
            assert not len(gallery.search(people().vectors[:1], 1)[0])


def test_an_approximate_index_says_so(milvus):
    rows = people(frames=range(100))
    with (
        open_gallery(f'{milvus.place("a")}?index=HNSW', model=MODEL, mode='w') as approximate,
        open_gallery(milvus.place('b'), model=MODEL, mode='w') as exact,
    ):
        for gallery in (approximate, exact):
            gallery.add(rows, [state()])
        first, second = (g.search(rows.vectors[:1], 20)[0] for g in (approximate, exact))
        assert (first.exact, second.exact) == (False, True)
        assert len({*first.rows.ids.tolist()} & {*second.rows.ids.tolist()}) >= 18
