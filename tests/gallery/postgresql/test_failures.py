"""A gallery on a server after kills of writer and server, and with many writers at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmps.gallery import Rows, Where, open_gallery
from mmps.structures import DataError
from mmps.testing.servers import PostgresqlServer

from ..conftest import MODEL, people, state
from ..sqlite.test_failures import BATCH, WRITER, check_whole

pytestmark = pytest.mark.slow


def start_writer(place):
    return subprocess.Popen(
        [sys.executable, '-c', WRITER, str(Path(__file__).parents[1]), place],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(Path(__file__).parents[3])},
    )


def test_a_killed_writer_loses_at_most_its_current_batch(postgresql):
    place, rng = postgresql.place('a'), np.random.default_rng(0)
    for _ in range(2):
        writer = start_writer(place)
        first = writer.stdout.readline()
        assert first
        time.sleep(rng.uniform(0, 0.3))
        writer.send_signal(signal.SIGKILL)
        lines = [first, *writer.stdout.read().splitlines()]
        writer.wait()
        check_whole(place, int(lines[-1]) + 1)


def test_a_killed_server_loses_nothing_that_was_acknowledged(tmp_path_factory):
    server = PostgresqlServer(tmp_path_factory.mktemp('pg') / 'data')
    try:
        place = server.place('a')
        with open_gallery(place, model=MODEL, mode='w') as reader:
            for _ in range(2):
                writer = start_writer(place)
                first = writer.stdout.readline()
                assert first
                time.sleep(0.3)
                server.kill()
                lines = [first, *writer.stdout.read().splitlines()]
                assert writer.wait() != 0
                with pytest.raises(DataError, match='cannot be reached'):
                    reader.count()
                server.restart()
                check_whole(place, int(lines[-1]) + 1)
                assert reader.count() >= BATCH * (int(lines[-1]) + 1)  # connects again by itself
    finally:
        server.stop()


def rows_by_id(gallery):
    rows = Rows.joined(gallery.rows(vectors=True))
    return rows[np.argsort(rows.ids)]


def test_writers_of_the_same_files_change_nothing(postgresql):
    batches = [
        (people(source, range(4 * i, 4 * i + 4), seed=i), state(source, f'digest-{source}'))
        for i in range(6)
        for source in ('a.mp4', 'b.mp4', 'c.mp4')
    ]
    orders = [np.random.default_rng(i).permutation(len(batches)) for i in range(4)]
    errors = []

    def work(order):
        try:
            with open_gallery(postgresql.place('many'), model=MODEL, mode='w') as gallery:
                for i in order:
                    gallery.add(batches[i][0], [batches[i][1]])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    with (
        open_gallery(postgresql.place('many')) as many,
        open_gallery(postgresql.place('one'), model=MODEL, mode='w') as one,
    ):
        for rows, progress in batches:
            one.add(rows, [progress])
        first, second = rows_by_id(many), rows_by_id(one)
        np.testing.assert_array_equal(first.ids, second.ids)
        np.testing.assert_array_equal(first.vectors, second.vectors)
        np.testing.assert_array_equal(first.frame, second.frame)
        assert many.progress() == one.progress()


def test_copies_that_two_workers_index_are_stored_once(postgresql):
    with (
        open_gallery(postgresql.place('a'), model=MODEL, mode='w') as first,
        open_gallery(postgresql.place('a'), mode='w') as second,
    ):
        first.add(people(), [state()])
        second.add(people('copy.mp4'), [state('copy.mp4')])
        assert first.count() == len(people())


def test_a_stale_connection_is_replaced(postgresql):
    with (
        open_gallery(postgresql.place('a'), model=MODEL, mode='w') as gallery,
        open_gallery(postgresql.place('a')) as other,
    ):
        gallery.add(people(), [state()])
        other._connection.execute(
            'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s',
            (gallery._connection.info.backend_pid,),
        )
        assert gallery.count() == len(people())
        gallery.add(people('b.mp4', seed=1), [state('b.mp4', 'digest-b')])
        assert other.count(Where(sources=['b.mp4'])) == len(people())


def test_a_newer_format_is_refused(postgresql):
    with open_gallery(postgresql.place('a'), model=MODEL, mode='w') as gallery:
        table = f'{gallery.address.name}.meta'
        gallery._connection.execute(f"UPDATE {table} SET value = '99' WHERE key = 'format'")
    with pytest.raises(DataError, match=r'format 99.*update mmps'):
        open_gallery(postgresql.place('a'))


def test_embeddings_that_do_not_fit_are_refused(postgresql):
    with pytest.raises(DataError, match='up to 3,800'):
        open_gallery(postgresql.place('a'), model=replace(MODEL, dimension=4096), mode='w')
    with open_gallery(
        postgresql.place('b'), model=replace(MODEL, dimension=3800), mode='w'
    ) as gallery:
        rows = people()
        vectors = np.zeros((len(rows), 3800), np.float32)
        vectors[:, : rows.vectors.shape[1]] = rows.vectors
        gallery.add(replace(rows, vectors=vectors), [state()])
        (hits,) = gallery.search(vectors[:1], 1)
        assert hits.similarities[0] == pytest.approx(1, abs=1e-3)
