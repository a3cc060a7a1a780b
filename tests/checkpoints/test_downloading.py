"""Downloads from a server of this machine that breaks off, lies, or is not there."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mmps.checkpoints.downloading import local_file
from mmps.structures import UserError

CONTENT = bytes(range(256)) * 40
NAME = f'net-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth'


class Server(HTTPServer):
    limit = None  # bytes after which the connection breaks
    ranges = True


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.headers.get('Range'))
        if self.path.endswith('missing.pth'):
            self.send_error(404)
            return
        begin = 0
        if self.server.ranges and self.headers.get('Range'):
            begin = int(self.headers['Range'].removeprefix('bytes=').rstrip('-'))
        if begin >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        self.send_header('Content-Length', str(len(CONTENT) - begin))
        self.end_headers()
        self.wfile.write(CONTENT[begin:][: self.server.limit])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = Server(('127.0.0.1', 0), Handler)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.address = f'http://127.0.0.1:{server.server_port}'
    yield server
    server.shutdown()
    server.server_close()


def test_a_file_is_fetched_once(server, tmp_path):
    for _ in range(2):
        path = local_file(f'{server.address}/{NAME}', tmp_path / 'hub')
        assert path == tmp_path / 'hub' / NAME
        assert path.read_bytes() == CONTENT
    assert server.asked == [None]


@pytest.mark.parametrize('ranges', [True, False])
def test_a_broken_download_goes_on(server, tmp_path, ranges):
    server.limit, server.ranges = 1000, ranges
    with pytest.raises(UserError, match='cannot be fetched'):
        local_file(f'{server.address}/{NAME}', tmp_path)
    assert not (tmp_path / NAME).exists()
    server.limit = None
    assert local_file(f'{server.address}/{NAME}', tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, 'bytes=1000-']
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_what_was_whole_already_is_not_fetched_again(server, tmp_path):
    (tmp_path / f'{NAME}.part').write_bytes(CONTENT)
    assert local_file(f'{server.address}/{NAME}', tmp_path).read_bytes() == CONTENT


def test_another_file_than_the_name_says_is_refused(server, tmp_path):
    with pytest.raises(UserError, match='another file than its name says'):
        local_file(f'{server.address}/net-00000000.pth', tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_a_server_one_sentence_says_what_to_do(server, tmp_path):
    with pytest.raises(UserError, match='download it elsewhere'):
        local_file(f'{server.address}/missing.pth', tmp_path)
    with pytest.raises(UserError, match='download it elsewhere'):
        local_file('http://127.0.0.1:9/a.pth', tmp_path)


def test_paths_are_taken_as_they_are(tmp_path):
    assert local_file(tmp_path / 'a.pth') == tmp_path / 'a.pth'
