"""Requests of people who mean harm: none gets through, and the server keeps answering."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import socket
import struct
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmps.gallery import open_gallery
from mmps.gallery.indexing import index
from mmps.testing.coloured_people import ColourInferencer, draw_scene

SECRET = 'a secret outside of the gallery'
ELSEWHERE = (
    '..%2f..%2f..%2fetc%2fpasswd',
    '%2e%2e%2f%2e%2e%2fsecret.txt',
    '%2e%2e/%2e%2e/secret.txt',
    '..%5c..%5csecret.txt',
    '%2fetc%2fpasswd',
    'C:%5cWindows%5cwin.ini',
    'file:%2f%2f%2fetc%2fpasswd',
    'secret.txt%00.js',
    '%ef%bc%8e%ef%bc%8e%ef%bc%8fsecret.txt',
    '-1',
    '1e3',
    '9' * 500,
)
PLACES = ('/v1/people/{}', '/v1/people/{}/scene', '/v1/jobs/{}', '/page/{}')


@pytest.mark.parametrize('place', PLACES)
@pytest.mark.parametrize('name', ELSEWHERE)
def test_names_never_become_paths(client, place, name):
    answer = client.get(place.format(name))
    assert 400 <= answer.status_code < 500
    assert answer.headers['content-type'] == 'application/problem+json'
    assert 'root:' not in answer.text
    assert client.get('/v1/health').status_code == 200


def png(width, height, rows=b''):
    """A PNG whose header promises any size."""

    def chunk(kind, data):
        length, check = struct.pack('>I', len(data)), struct.pack('>I', zlib.crc32(kind + data))
        return length + kind + data + check

    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    body = chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(rows, 9)) + chunk(b'IEND', b'')
    return b'\x89PNG\r\n\x1a\n' + body


def zip_bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('image.jpg', b'\0' * 10**7)
    return out.getvalue()


IMAGES = {
    'pixel bomb': png(60_000, 60_000),
    'pixel bomb with its rows': png(20_000, 20_000, b'\0' * (20_000 * 300)),
    'size of nothing': png(0, 10),
    'size beyond integers': png(2**31 - 1, 2**31 - 1),
    'zip bomb': zip_bomb(),
    'gzip': gzip.compress(b'\0' * 10**7),
    'web page': b'<html><script>alert(1)</script></html>',
    'drawing with an entity': b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM '
    b'"file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>',
    'PostScript': b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n',
    'half a JPEG': b'\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01' + b'\0' * 99,
    'float map': b'PF\n9999999 9999999\n-1.0\n',
    'text map': b'P3\n99999 99999\n255\n',
    'nothing': b'',
    'zeros': b'\0' * 10_000,
    'path as content': b'/etc/passwd',
}


@pytest.mark.parametrize('name', IMAGES)
def test_uploads_that_are_no_images_are_refused(client, name):
    begin = time.perf_counter()
    answer = client.post('/v1/people', files={'image': ('x.png', IMAGES[name], 'image/png')})
    assert answer.status_code == 422, answer.text
    assert 'root:' not in answer.text
    assert time.perf_counter() - begin < 12
    assert client.get('/v1/health').status_code == 200


def plain(text):
    return {'content': text, 'headers': {'Content-Type': 'application/json'}}


BODIES = {
    'deep': plain('[' * 100_000),
    'deep in a field': plain('{"cameras":' + '[' * 5000 + ']' * 5000 + '}'),
    'number without end': plain('{"limit":' + '9' * 5000 + '}'),
    'not a number': plain('{"min_score": NaN, "confirmed": ["1"]}'),
    'infinite time': plain('{"since": 1e999, "confirmed": ["1"]}'),
    'half a surrogate': plain('{"cameras": ["\\ud800"], "confirmed": ["1"]}'),
    'list': plain('[]'),
    'text': plain('"x"'),
    'no JSON': plain('{'),
    'bytes': plain(b'\xff\xfe\x00'),
    'objects for texts': {'json': {'confirmed': [{'$ne': 1}]}},
    'SQL for a camera': {'json': {'confirmed': ['1'], 'cameras': ["x'; DROP TABLE person; --"]}},
    'too many examples': {'json': {'confirmed': ['1'] * 201}},
    'beyond the last page': {'json': {'confirmed': ['1'], 'offset': 10**9}},
    'form': {'data': {'confirmed': '1'}},
    'another type': {'content': '<x/>', 'headers': {'Content-Type': 'text/xml'}},
}


@pytest.mark.parametrize('name', BODIES)
def test_wrong_bodies_are_refused(client, name):
    answer = client.post('/v1/search', **BODIES[name])
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers['content-type'] == 'application/problem+json'
    assert client.get('/v1/health').status_code == 200


FORMS = {
    'box of words': {'box': 'a,b,c,d'},
    'box without end': {'box': '0,0,inf,inf'},
    'box outside': {'box': '-9,-9,-1,-1'},
    'box upside down': {'box': '90,90,10,10'},
    'deep box': {'box': '[' * 190},
    'conditions of another kind': {'conditions': '[1]'},
    'conditions that are no JSON': {'conditions': '{'},
    'pick of nobody': {'pick': '-1'},
}


@pytest.mark.parametrize('name', FORMS)
def test_wrong_forms_are_refused(client, drawn, name):
    files = {'image': ('x.png', drawn([(0, 9)]), 'image/png')}
    answer = client.post('/v1/search/image', files=files, data=FORMS[name])
    assert answer.status_code == 422, answer.text


HEADERS = {
    'foreign host': ({'Host': 'evil.example'}, 421),
    'host that rebinds': ({'Host': '127.0.0.1.evil.example'}, 421),
    'host with a user': ({'Host': '127.0.0.1@evil.example'}, 421),
    'host with a path': ({'Host': '127.0.0.1/evil'}, 421),
    'foreign origin': ({'Origin': 'http://evil.example'}, 403),
    'origin of a file': ({'Origin': 'null'}, 403),
    'origin with a longer name': ({'Origin': 'http://127.0.0.1.evil.example'}, 403),
    'script of another site': ({'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors'}, 403),
    'no token': ({'Authorization': ''}, 401),
    'wrong token': ({'Authorization': 'Bearer a-token-of-others'}, 401),
    'part of the token': ({'Authorization': 'Bearer a-token'}, 401),
    'token as a password': ({'Authorization': 'Basic a-token-of-tests'}, 401),
    'token that is no text': ({'Authorization': b'Bearer \xff\xfe'}, 401),
    'token in a cookie': ({'Authorization': '', 'Cookie': 'token=a-token-of-tests'}, 401),
}


@pytest.mark.parametrize('name', HEADERS)
def test_wrong_headers_are_refused(client, name):
    headers, status = HEADERS[name]
    answer = client.get('/v1/info', headers=headers)
    assert answer.status_code == status
    assert 'people.mmps' not in answer.text
    assert 'set-cookie' not in answer.headers


def test_a_token_in_the_address_is_none(client):
    answer = client.get('/v1/info?token=a-token-of-tests', headers={'Authorization': ''})
    assert answer.status_code == 401
    assert answer.headers['www-authenticate'] == 'Bearer'


def test_every_route_but_the_open_ones_needs_the_token(client):
    document = client.get('/v1/openapi.json', headers={'Authorization': ''}).json()
    for path, methods in document['paths'].items():
        for method in methods:
            answer = client.request(method, path.format(id='1'), headers={'Authorization': ''})
            expected = 200 if path in ('/v1/health', '/v1/ready') else 401
            assert answer.status_code == expected, path


@pytest.mark.parametrize('method', ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'HEAD'])
def test_other_methods_are_not_allowed(client, method):
    assert client.request(method, '/v1/search').status_code == 405


def test_answers_carry_headers_that_bound_a_page(client):
    for path in ('/', '/page/main.js', '/v1/info', '/v1/nothing'):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers['content-security-policy']
        assert headers['x-content-type-options'] == 'nosniff'
        assert 'access-control-allow-origin' not in headers
    assert client.get('/v1/info').headers['cache-control'] == 'no-store'


def test_bodies_are_bounded(serving):
    client = serving(max_bytes=10_000, max_json_bytes=1000)
    big = {'image': ('x.png', b'\0' * 100_000, 'image/png')}
    assert client.post('/v1/people', files=big).status_code == 413
    assert client.post('/v1/search', **plain('{"a": "' + 'x' * 2000 + '"}')).status_code == 413

    def pieces():
        for _ in range(100):
            yield b'x' * 100

    assert client.post('/v1/search', content=pieces()).status_code == 413
    assert client.get('/v1/health').status_code == 200


def test_pixels_are_bounded(serving, drawn):
    client = serving(max_pixels=320 * 240 - 1)
    answer = client.post('/v1/people', files={'image': ('x.png', drawn([]), 'image/png')})
    assert 'save it smaller' in answer.json()['detail']
    exact = serving(max_pixels=320 * 240)
    files = {'image': ('x.png', drawn([]), 'image/png')}
    assert exact.post('/v1/people', files=files).status_code == 200


def test_a_decoding_that_takes_too_long_is_killed(serving, drawn):
    client = serving(decode_seconds=0.002)
    slow = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (3000, 3000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(slow, 'JPEG')
    answer = client.post('/v1/people', files={'image': ('slow.jpg', slow.getvalue(), 'image/jpeg')})
    assert answer.status_code == 422
    assert 'took longer' in answer.json()['detail']
    assert 'mmps_decoder_kills 1.0' in client.get('/metrics').text
    client.app.state.service.decoder.seconds = 30
    files = {'image': ('x.png', drawn([(0, 9)]), 'image/png')}
    assert client.post('/v1/people', files=files).status_code == 200


def test_one_address_may_not_ask_without_end(serving):
    client = serving(rate=1.0, burst=5)
    codes = [client.get('/v1/health').status_code for _ in range(8)]
    assert codes == [200] * 5 + [429] * 3
    assert int(client.get('/v1/health').headers['retry-after']) >= 1


def test_guessing_tokens_is_slow(serving):
    client = serving(token='wrong', rate=1.0, burst=50)
    codes = [client.get('/v1/info').status_code for _ in range(6)]
    assert codes == [401] * 3 + [429] * 3


@pytest.fixture
def footage(tmp_path):
    """A gallery of one image, and a secret image outside."""
    image, secret = tmp_path / 'a.png', tmp_path / 'secret.png'
    draw_scene([(0, 50)]).save(image)
    Image.new('RGB', (320, 240), 'white').save(secret)
    (tmp_path / 'secret.txt').write_text(SECRET)
    model = ColourInferencer().gallery_model()
    with open_gallery(tmp_path / 'own.mmps', model=model, mode='w') as gallery:
        index(gallery, ColourInferencer().find, [str(image)])
        public = int(next(gallery.rows()).ids[0])
    return tmp_path, public


BECOME = ('link to an image', 'link to a text', 'other image', 'folder', 'gone')


@pytest.mark.parametrize('kind', BECOME)
def test_a_source_that_became_something_else_is_not_served(serving, footage, kind):
    folder, public = footage
    client = serving(gallery=folder / 'own.mmps')
    place = f'/v1/people/{public}/scene'
    assert client.get(place).status_code == 200
    image = folder / 'a.png'
    image.unlink()
    if kind.startswith('link'):
        image.symlink_to(folder / ('secret.png' if 'image' in kind else 'secret.txt'))
    elif kind == 'other image':
        shutil.copy(folder / 'secret.png', image)
    elif kind == 'folder':
        image.mkdir()
    for path in (place, f'/v1/people/{public}/crop'):
        answer = client.get(path)
        assert answer.status_code == 404
        assert SECRET not in answer.text
    body = {'people': [{'id': str(public)}], 'format': 'evidence'}
    archive = zipfile.ZipFile(io.BytesIO(client.post('/v1/export', json=body).content))
    assert archive.namelist() == ['evidence/hits.json']


def test_a_copied_source_is_still_served(serving, footage):
    folder, public = footage
    os.utime(folder / 'a.png', (1, 1))
    client = serving(gallery=folder / 'own.mmps')
    assert client.get(f'/v1/people/{public}/scene').status_code == 200


@pytest.mark.parametrize(
    'name', ['../../evil.png', '/etc/evil.png', 'C:\\evil.png', '..\\evil.png', 'a\0b.png', '.', '']
)
def test_added_images_stay_in_their_folder(serving, own_gallery, drawn, tmp_path, name):
    uploads = tmp_path / 'deep' / 'added'
    client = serving(gallery=own_gallery, uploads=uploads)
    before = {path for path in tmp_path.rglob('*') if uploads not in path.parents}
    files = {'image': (name or 'x', drawn([(1, 40)]), 'image/png')}
    assert client.post('/v1/images', files=files).status_code == 202
    kept = {path for path in tmp_path.rglob('*') if uploads not in path.parents}
    assert {p.name for p in kept - before} <= {
        'deep',
        'added',
        'people.mmps-wal',
        'people.mmps-shm',
    }
    assert len([p for p in uploads.rglob('*') if p.suffix != '.json' and p.is_file()]) == 1


def test_a_file_of_two_kinds_is_served_as_an_image_alone(serving, own_gallery, drawn, tmp_path):
    client = serving(gallery=own_gallery, uploads=tmp_path / 'added')
    script = b'<script>alert(1)</script>'
    both = drawn([(2, 40)], 'JPEG', quality=95) + script
    job = client.post('/v1/images', files={'image': ('x.html', both, 'text/html')}).json()
    while client.get(f'/v1/jobs/{job["id"]}').json()['state'] in ('queued', 'running'):
        time.sleep(0.02)
    with open_gallery(own_gallery) as gallery:
        rows = [row for part in gallery.rows() for row in zip(part.ids, part.source, strict=True)]
    (public,) = [int(i) for i, source in rows if 'x.html' in source]
    answer = client.get(f'/v1/people/{public}/scene')
    assert answer.headers['content-type'] == 'image/jpeg'
    assert script not in answer.content


@pytest.fixture
def raw(served):
    """Sends bytes to a server on a socket and returns its answer; ``raw(data, wait)``."""

    def exchange(*pieces, wait=0.0, port=served.port):
        with socket.create_connection(('127.0.0.1', port), timeout=20) as connection:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(wait)
            answer = b''
            while data := connection.recv(65536):
                answer += data
            return answer

    return exchange


RAW = {
    'path that climbs': b'GET /page/../../../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n'
    b'Connection: close\r\n\r\n',
    'whole address of a file': b'GET file:///etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n'
    b'Connection: close\r\n\r\n',
    'two hosts': b'GET /v1/info HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n'
    b'Connection: close\r\n\r\n',
    'no host': b'GET /v1/info HTTP/1.0\r\n\r\n',
    'length twice': b'POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n'
    b'Content-Length: 9\r\nConnection: close\r\n\r\n{}',
    'no HTTP': b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + b'\0' * 50 + b'\r\n\r\n',
    'header without end': b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ' + b'a' * 200_000,
    'upgrade': b'GET /v1/info HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade, close\r\n'
    b'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
    b'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
}


@pytest.mark.parametrize('name', RAW)
def test_wrong_bytes_are_refused(raw, served, name):
    try:
        answer = raw(RAW[name])
    except ConnectionError:  # closed in the middle, which is an answer too
        answer = b''
    assert b' 200 ' not in answer.partition(b'\r\n')[0]
    assert b'root:' not in answer
    assert served.get('/v1/health').status_code == 200


def test_slow_uploads_are_ended(raw, served):
    head = (
        b'POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n'
        b'Authorization: Bearer ' + served.token.encode() + b'\r\nContent-Length: 1000\r\n\r\n'
    )
    begin = time.perf_counter()
    try:
        answer = raw(head, *[b' '] * 12, wait=0.2)
    except ConnectionError:
        answer = b' 408 '
    assert b' 408 ' in answer
    assert time.perf_counter() - begin < 10
    assert served.get('/v1/health').status_code == 200


def test_the_page_names_no_other_host():
    import mmps.server

    folder = Path(mmps.server.__file__).parent / 'page'
    total = 0
    for path in folder.iterdir():
        text = path.read_text()
        total += len(text.encode())
        foreign = text.replace('http://www.w3.org/2000/svg', '')
        assert 'http://' not in foreign
        assert 'https://' not in foreign
    assert total < 60_000
    assert json.dumps(sorted(p.name for p in folder.iterdir()))
