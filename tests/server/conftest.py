from __future__ import annotations

import io
import shutil

import pytest

pytest.importorskip('fastapi', reason='pip install "mmps[serve]"')

from starlette.testclient import TestClient

from mmps.gallery import open_gallery
from mmps.server.app import create_app
from mmps.server.service import Service
from mmps.server.settings import Settings
from mmps.testing.coloured_people import ColourInferencer, draw_scene, fill_gallery
from mmps.testing.served import Served

TOKEN = 'a-token-of-tests'


@pytest.fixture(scope='session')
def drawn_gallery(made_once):
    """A folder with footage of two cameras, ``people.mmps`` and a still; only read."""
    return made_once('coloured people', fill_gallery)


@pytest.fixture
def own_gallery(drawn_gallery, tmp_path):
    """A gallery that a test may change."""
    return shutil.copy(drawn_gallery / 'people.mmps', tmp_path / 'people.mmps')


@pytest.fixture
def serving(drawn_gallery):
    """Starts an application and returns a client; ``serving(settings..., gallery=path)``."""
    opened = []

    def start(gallery=None, inferencer=None, calibration=None, token=TOKEN, **settings):
        path = gallery or drawn_gallery / 'people.mmps'
        reader = open_gallery(path)
        given = {'token': TOKEN, 'hosts': frozenset({'127.0.0.1'}), 'rate': 0.0, **settings}
        service = Service(reader, inferencer or ColourInferencer(), Settings(**given), calibration)
        app = create_app(service, lambda: open_gallery(path, mode='w'))
        headers = {'Authorization': f'Bearer {token}'} if token else {}
        client = TestClient(app, 'http://127.0.0.1', headers=headers)
        client.__enter__()
        opened.append((client, reader))
        return client

    yield start
    for client, reader in opened:
        client.__exit__(None, None, None)
        reader.close()


@pytest.fixture(scope='module')
def client(drawn_gallery):
    """A client of a server that only reads, shared by the tests of a file."""
    settings = Settings(token=TOKEN, hosts=frozenset({'127.0.0.1'}), rate=0.0)
    with open_gallery(drawn_gallery / 'people.mmps') as reader:
        app = create_app(Service(reader, ColourInferencer(), settings))
        headers = {'Authorization': f'Bearer {TOKEN}'}
        with TestClient(app, 'http://127.0.0.1', headers=headers) as started:
            yield started


@pytest.fixture(scope='session')
def drawn():
    """Returns the bytes of a drawn scene: ``drawn([(colour, left), ...])``."""

    def draw(people, form='PNG', **options):
        out = io.BytesIO()
        draw_scene(people).save(out, form, **options)
        return out.getvalue()

    return draw


@pytest.fixture(scope='module')
def served(drawn_gallery):
    """A server on a socket whose requests must be there within a second."""
    hosts = frozenset({'127.0.0.1'})
    settings = Settings(token=TOKEN, hosts=hosts, rate=0.0, body_seconds=1.0)
    with open_gallery(drawn_gallery / 'people.mmps') as reader:
        started = Served(create_app(Service(reader, ColourInferencer(), settings)), TOKEN)
        yield started
        started.stop()


@pytest.fixture
def start_server():
    """Starts a server on a socket; a test stops it."""
    return Served
