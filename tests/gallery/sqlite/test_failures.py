"""A gallery after a kill, on a full disk, and with a writer beside readers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mmps.gallery import open_gallery
from mmps.structures import DataError

from ..conftest import MODEL, people, state

BATCH = 12
WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from conftest import MODEL, people, state
from mmps.gallery import open_gallery
with open_gallery(sys.argv[2], model=MODEL, mode='w') as gallery:
    states = gallery.progress().values()
    for i in range(sum(s.last_frame + 1 for s in states) // 4, 100_000):
        gallery.add(people(frames=range(4 * i, 4 * i + 4), seed=i), [state(last_frame=4 * i + 3)])
        print(i, flush=True)
"""


def start_writer(path):
    return subprocess.Popen(
        [sys.executable, '-c', WRITER, str(Path(__file__).parents[1]), str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(Path(__file__).parents[3])},
    )


def check_whole(path, acknowledged):
    """Nothing acknowledged is lost, no batch is there by half, progress agrees with the rows."""
    with open_gallery(path) as gallery:
        (batches, rest) = divmod(gallery.count(), BATCH)
        assert rest == 0
        assert batches >= acknowledged
        assert gallery.progress()['a.mp4'].last_frame == 4 * batches - 1
        frames = np.concatenate([rows.frame for rows in gallery.rows()])
        assert frames.tolist() == np.repeat(np.arange(4 * batches), 3).tolist()


@pytest.mark.slow
def test_a_killed_writer_loses_at_most_its_current_batch(tmp_path):
    path = tmp_path / 'a.mmps'
    rng = np.random.default_rng(0)
    for _ in range(3):
        writer = start_writer(path)
        first = writer.stdout.readline()
        assert first
        time.sleep(rng.uniform(0, 0.3))
        writer.send_signal(signal.SIGKILL)
        lines = [first, *writer.stdout.read().splitlines()]
        writer.wait()
        check_whole(path, int(lines[-1]) + 1)


@pytest.mark.slow
def test_readers_beside_a_writer_see_whole_batches(tmp_path):
    path = tmp_path / 'a.mmps'
    writer = start_writer(path)
    try:
        writer.stdout.readline()
        counts = []
        with open_gallery(path) as first, open_gallery(path) as second:
            for _ in range(40):
                (hits,) = first.search(people(seed=3).vectors[:1], k=10**6)
                counts.append(len(hits))
                assert second.count() % BATCH == 0
                assert second.count() >= counts[-1]
        assert counts == sorted(counts)
        assert all(count % BATCH == 0 for count in counts)
        assert counts[-1] > counts[0]
    finally:
        writer.kill()
        writer.wait()


def test_a_second_writer_waits_for_the_first(tmp_path, monkeypatch):
    path = tmp_path / 'a.mmps'
    with (
        open_gallery(path, model=MODEL, mode='w') as first,
        open_gallery(path, model=MODEL, mode='w') as second,
    ):
        for i in range(4):
            source = state(f'{i}.mp4', f'digest-{i}')
            (first, second)[i % 2].add(people(f'{i}.mp4', seed=i), [source])
        assert first.count() == second.count() == 4 * BATCH
        second._connection.execute('PRAGMA busy_timeout = 50')
        first._connection.execute('BEGIN IMMEDIATE')
        with pytest.raises(DataError, match='another process'):
            second.add(people(), [state()])
        first._connection.execute('ROLLBACK')
        second.add(people(), [state()])
        assert first.count() == 5 * BATCH


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / 'disk'
    folder.mkdir()
    mount = ['mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip('there is no mount command')
    if done.returncode:
        pytest.skip('mounting a small disk needs the super-user')
    yield folder
    subprocess.run(['umount', '-l', str(folder)], check=True)


def add_batch(gallery, number):
    frames = range(4 * number, 4 * number + 4)
    gallery.add(people(frames=frames), [state(last_frame=frames[-1])])


def add_until_refused(gallery):
    for number in range(10_000):
        add_batch(gallery, number)


def test_a_full_disk_loses_nothing_that_was_stored(small_disk):
    path = small_disk / 'a.mmps'
    (small_disk / 'ballast').write_bytes(bytes(1_000_000))
    with open_gallery(path, model=MODEL, mode='w') as gallery:
        with pytest.raises(DataError, match='disk is full'):
            add_until_refused(gallery)
        stored = gallery.count() // BATCH
        assert stored
        check_whole(path, stored)
        (small_disk / 'ballast').unlink()
        add_batch(gallery, stored)
    check_whole(path, stored + 1)
