"""kill -9 at random moments while footage is indexed, again and again until it is finished."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmps.gallery import Rows, open_gallery
from mmps.gallery.indexing import index

from .test_indexing import MODEL, SETTINGS, find, write_video

ROOT = Path(__file__).parents[2]
RUN = """
import sys, time
sys.path.insert(0, sys.argv[1])
from test_indexing import MODEL, SETTINGS, find
from mmps.gallery import open_gallery
from mmps.gallery.indexing import index

def slow(images):
    time.sleep(0.05)
    return find(images)

print('begins', flush=True)
with open_gallery(sys.argv[2], model=MODEL, mode='w') as gallery:
    index(gallery, slow, sys.argv[3:], SETTINGS)
"""


def start(gallery, footage):
    command = [sys.executable, '-c', RUN, str(Path(__file__).parent), str(gallery), *footage]
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    process.stdout.readline()
    return process


def check_whole(path):
    """Frames are there as a whole or not at all, and progress says exactly which."""
    with open_gallery(path) as gallery:
        rows = Rows.joined(gallery.rows())
        for source, state in gallery.progress().items():
            own = rows[rows.source == source]
            assert not len(own) or own.frame.max() <= state.last_frame
            for frame in {*own.frame.tolist()}:
                slots = own.slot[own.frame == frame].tolist()
                assert slots == list(range(len(slots)))
        return len(rows)


@pytest.mark.long
def test_thirty_kills_leave_the_gallery_of_an_uninterrupted_run(tmp_path):
    footage = []
    for number in range(6):
        write_video(tmp_path / f'v{number}.mp4', 200, first=number)
        footage.append(str(tmp_path / f'v{number}.mp4'))
        name = str(tmp_path / f'i{number}.png')
        cv2.imwrite(name, np.full((40, 30, 3), 7 * number + 3, np.uint8))
        footage.append(name)
    with open_gallery(tmp_path / 'whole.mmps', model=MODEL, mode='w') as whole:
        index(whole, find, footage, SETTINGS)
        expected, states = Rows.joined(whole.rows(vectors=True)), whole.progress()
    rng = np.random.default_rng(0)
    path, stored = tmp_path / 'killed.mmps', 0
    for _ in range(30):
        process = start(path, footage)
        time.sleep(rng.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if path.exists() and path.stat().st_size:
            count = check_whole(path)
            assert count >= stored
            stored = count
    process = start(path, footage)
    assert process.wait() == 0
    with open_gallery(path) as gallery:
        rows = Rows.joined(gallery.rows(vectors=True))
        assert gallery.progress() == states
    np.testing.assert_array_equal(rows.ids, expected.ids)
    np.testing.assert_array_equal(rows.boxes, expected.boxes)
    np.testing.assert_allclose(rows.vectors, expected.vectors, atol=1e-3)
