"""``mmps serve`` as it is started, and as it is stopped."""

from __future__ import annotations

import re
import signal
import threading
import time

import httpx
import pytest
from starlette.testclient import TestClient

from mmps.benchmarks.gallery import fill
from mmps.benchmarks.server import client, query_texts, served
from mmps.commands.main import main
from mmps.testing.coloured_people import ColourInferencer


@pytest.fixture
def started(monkeypatch, drawn_gallery, capsys):
    """Runs ``mmps serve`` and asks it; returns exit code, statuses, address and output.

    ``started([option, ...], (token, host), ...)`` asks once for each pair.
    """
    monkeypatch.delenv('MMPS_TOKEN', raising=False)
    monkeypatch.setattr('mmps.commands.serve.load_inferencer', lambda *_: ColourInferencer())

    def start(options, *questions):
        statuses, place = [], []

        def serve(app, taken, behind_proxy, ready):
            ready()
            place.append(taken.getsockname())
            shown = capsys.readouterr()
            drawn = shown.out.partition('#token=')[2].partition('\n')[0]
            for token, host in questions:
                asking = TestClient(app, f'http://{host}')
                known = token.replace('DRAWN', drawn)
                headers = {'Authorization': f'Bearer {known}'} if known else {}
                statuses.append(asking.get('/v1/info', headers=headers).status_code)
            print(shown.out)

        monkeypatch.setattr('mmps.server.running.serve', serve)
        code = main(['serve', str(drawn_gallery / 'people.mmps'), '--port', '0', *options])
        return code, statuses, (place or [None])[0], capsys.readouterr()

    return start


def test_a_token_is_drawn_where_none_is_given(started):
    code, statuses, place, shown = started([], ('', '127.0.0.1'), ('DRAWN', '127.0.0.1'))
    assert (code, statuses) == (0, [401, 200])
    assert place[0] == '127.0.0.1'
    address, token = re.search(r'open (http://\S+/)#token=(\S+)', shown.out).groups()
    assert address == f'http://127.0.0.1:{place[1]}/'
    assert len(token) >= 32
    assert token not in started([])[3].out


def test_tokens_hosts_and_proxies_are_as_asked(started, monkeypatch):
    _, statuses, _, shown = started(['--no-token'], ('', '127.0.0.1'))
    assert statuses == [200]
    assert 'token' not in shown.out
    options = ['--token', 'a-better-one', '--behind-proxy', 'search.example.org']
    _, statuses, _, shown = started(options, ('a-better-one', 'search.example.org'))
    assert statuses == [200]
    assert 'https://search.example.org/#token=a-better-one' in shown.out
    _, statuses, place, _ = started(['--host', '0.0.0.0'], ('', '127.0.0.1'))
    assert (statuses, place[0]) == ([401], '0.0.0.0')
    monkeypatch.setenv('MMPS_TOKEN', 'from-the-environment')
    known = 'from-the-environment'
    names = (known, 'search.lan'), (known, 'other.lan')
    assert started(['--allow-host', 'Search.lan'], *names)[1] == [200, 421]


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (['--token', 'short'], 'at least 8'),
        (['--max-upload', '0'], '--max-upload'),
        (['--host', '203.0.113.7'], 'choose another one with --port'),
        (['--calibration', 'none.json'], 'none.json'),
    ],
)
def test_what_makes_no_sense_is_refused(started, options, words):
    code, _, _, shown = started(options)
    assert code == 2
    assert words in shown.err
    assert shown.err.count('\n') == 1


def test_a_missing_extra_is_named(started, monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    code, _, _, shown = started([])
    assert code == 2
    assert 'pip install "mmps[serve]"' in shown.err


@pytest.mark.slow
def test_a_killed_server_answers_the_same_again_and_a_stopped_one_finishes(tmp_path):
    path = str(tmp_path / 'drawn.mmps')
    fill(tmp_path / 'drawn.mmps', 20_000, 64)
    texts = query_texts(64, 8)

    def all_answers(address):
        with client(address) as asking:
            sent = [{'embeddings': [text], 'limit': 50} for text in texts]
            return [asking.post('/v1/search', json=body).json() for body in sent]

    with served(path) as (process, address):
        before = all_answers(address)
        process.kill()
    with served(path) as (process, address):
        assert all_answers(address) == before
        codes = []

        def ask():
            with client(address) as asking:
                try:
                    while True:
                        body = {'embeddings': [texts[0]], 'limit': 200}
                        codes.append(asking.post('/v1/search', json=body).status_code)
                except httpx.ConnectError:  # no new connections; those before were answered
                    codes.append('closed')
                except httpx.RemoteProtocolError:
                    codes.append('closed between requests')

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        for thread in asking:
            thread.join()
        assert process.wait(30) in (0, -signal.SIGTERM)
    assert set(codes) <= {200, 'closed', 'closed between requests'}
    assert codes.count(200) > 5
