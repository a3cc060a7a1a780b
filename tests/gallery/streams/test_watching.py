"""Live streams, from a server of motion JPEG on this machine."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest

from mmps.gallery import Rows, open_gallery
from mmps.gallery.exporting import describe
from mmps.gallery.indexing import Settings
from mmps.gallery.scenes import scenes_of
from mmps.gallery.sources import Places
from mmps.gallery.streams import CropFolder, crop_folders, is_stream, shown_address, watch
from mmps.gallery.streams.capture import Capture
from mmps.structures import DataError

from ..test_indexing import MODEL, Found

PAUSES = (0.05,)
SIZE = (64, 48)


class Camera(ThreadingHTTPServer):
    """Sends frames whose brightness counts up, and can hang up in the middle."""

    daemon_threads = True

    def __init__(self, rate=25.0, frames=10**6):
        super().__init__(('127.0.0.1', 0), Handler)
        self.rate, self.frames = rate, frames
        self.connections = 0
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return f'http://127.0.0.1:{self.server_port}/live.mjpg'


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.connections += 1
        self.send_response(200)
        self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
        self.end_headers()
        try:
            for number in range(self.server.frames):
                image = np.full((SIZE[1], SIZE[0], 3), 20 + 4 * (number % 50), np.uint8)
                data = cv2.imencode('.jpg', image)[1].tobytes()
                head = f'--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n'
                self.wfile.write(head.encode() + data + b'\r\n')
                time.sleep(1 / self.server.rate)
        except OSError:  # whoever looked has gone
            return

    def log_message(self, *_):
        pass


@pytest.fixture
def camera():
    servers = []

    def start(**options):
        servers.append(Camera(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def find(images):
    """One person in each frame, as bright as it."""
    found = []
    for image in images:
        vector = np.array([[1, image.mean() / 255, 0, 0]], np.float32)
        vector /= np.linalg.norm(vector)
        found.append(Found(np.array([[10.0, 8, 30, 40]]), np.array([0.9]), vector))
    return found


def test_frames_come_with_the_time_of_their_arrival(tmp_path, camera):
    server, begin = camera(), time.time()
    settings = Settings(every=0.2, places=Places(camera='gate'))
    crops = CropFolder(tmp_path / 'crops')
    with open_gallery(tmp_path / 'a.mmps', model=MODEL, mode='w') as gallery:
        (seen,) = watch(gallery, find, [server.address], settings, 2.0, crops, pauses=PAUSES)
        rows = Rows.joined(gallery.rows())
        ((source, state),) = gallery.progress().items()
        assert len(rows) == seen.people == seen.frames
        assert 2 <= seen.frames <= 11
        assert seen.received > seen.frames
        assert seen.breaks == 0
        assert source.startswith(f'{server.address}#20')
        assert state.digest.startswith('stream-')
        assert (state.finished, state.time_origin, state.camera) == (True, 'stream', 'gate')
        assert (state.width, state.height) == SIZE
        assert rows.time.min() > begin
        assert rows.time.max() < time.time()
        assert np.diff(rows.time).min() > 0
        assert (np.diff(rows.frame) > 0).all()
        assert {*rows.camera} == {'gate'}
        hits = list(describe(rows))
        scenes, problems = scenes_of(hits, gallery.progress(), crop_folders(gallery))
        assert not problems
        for scene in scenes:
            assert scene.shape == (SIZE[1], SIZE[0], 3)
            assert scene[8:40, 10:30].std() < 3
            assert (scene[:8] == 200).all()
        assert len({round(float(scene[20, 20, 0])) for scene in scenes}) > 1
        crops.remove(rows.ids.tolist())
        assert 'live stream' in scenes_of(hits, gallery.progress(), crop_folders(gallery))[1][0]


def test_a_broken_connection_is_made_again(tmp_path, camera):
    server = camera(frames=8)
    with open_gallery(tmp_path / 'a.mmps', model=MODEL, mode='w') as gallery:
        (seen,) = watch(gallery, find, [server.address], Settings(every=0), 3.0, pauses=PAUSES)
        assert seen.breaks >= 2
        assert server.connections > 2
        rows = Rows.joined(gallery.rows())
        assert rows.frame.max() > 8
        assert len({*rows.frame.tolist()}) == len(rows)


def test_the_newest_frame_wins_where_the_model_is_slow(tmp_path, camera):
    server, ages = camera(rate=50), []

    def slow(images):
        time.sleep(0.25)
        return find(images)

    with open_gallery(tmp_path / 'a.mmps', model=MODEL, mode='w') as gallery:
        (seen,) = watch(gallery, slow, [server.address], Settings(every=0), 2.5, pauses=PAUSES,
                        report=lambda _: ages.append(time.time()))  # fmt: skip
        times = Rows.joined(gallery.rows()).time
    assert seen.dropped > 3 * seen.frames
    assert seen.dropped + seen.frames == pytest.approx(seen.received, abs=2)
    # Without back-pressure the last frame would be over 2 s old, as all that wait.
    assert np.max(np.array(ages) - times[: len(ages)]) < 1.5


def test_several_streams_at_once(tmp_path, camera):
    addresses = [camera().address for _ in range(3)]
    with open_gallery(tmp_path / 'a.mmps', model=MODEL, mode='w') as gallery:
        watched = watch(gallery, find, addresses, Settings(every=0.2), 2.0, pauses=PAUSES)
        assert [seen.address for seen in watched] == addresses
        assert all(seen.people for seen in watched)
        assert len(gallery.progress()) == 3


def test_a_stream_that_is_not_there_is_named(tmp_path):
    with (
        open_gallery(tmp_path / 'a.mmps', model=MODEL, mode='w') as gallery,
        pytest.raises(DataError, match=r'no frame came from http://127\.0\.0\.1:9/x'),
    ):
        watch(gallery, find, ['http://me:secret@127.0.0.1:9/x'], Settings(), 0.5, pauses=PAUSES)


def test_streams_are_told_from_files():
    for text in ('rtsp://a/b', 'HTTP://a/b.mjpg', 'camera:0', 'camera:12', 'camera:0#2026-11-27'):
        assert is_stream(text)
    for text in ('a.mp4', 'C:/a.mp4', 'camera', 'camera:x', 's3://a/b', 'folder#1/camera:0.mp4'):
        assert not is_stream(text)
    assert shown_address('rtsp://me:secret@host:554/s?x=1') == 'rtsp://host:554/s?x=1'
    assert shown_address('camera:3') == 'camera:3'


def test_a_capture_stops_at_once(camera):
    begin = time.monotonic()
    with Capture(camera().address, 0.0, PAUSES) as capture:
        assert capture.take(5.0) is not None
        assert capture.take() is None or capture.received > 1
    assert time.monotonic() - begin < 5
