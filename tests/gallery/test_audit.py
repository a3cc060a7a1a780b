from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmps.digests import file_digest
from mmps.gallery import Where
from mmps.gallery.audit import AuditLog
from mmps.structures import DataError


def test_each_search_is_one_line(tmp_path, monkeypatch):
    path = tmp_path / 'logs' / 'audit.jsonl'
    image = tmp_path / 'q.jpg'
    image.write_bytes(b'an image')
    monkeypatch.setenv('MMPS_AUDIT_LOG', str(path))
    log = AuditLog.of(None)
    asked = [{'image': str(image), 'box': [1, 2, 3, 4]}]
    log.record_search('a.mmps', asked, Where(cameras=['north']), ['7', '8'], 'lost child', 'me')
    AuditLog(path).record_search('a.mmps', [{'image': None}], Where(), [])
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert first['query'] == [{**asked[0], 'sha256': file_digest(image)}]
    assert (first['user'], first['purpose'], first['hits']) == ('me', 'lost child', ['7', '8'])
    assert first['conditions'] == {'cameras': ['north']}
    assert second['query'][0]['sha256'] is None
    assert second['user']
    assert first['time'] <= second['time']


def test_lines_of_several_writers_do_not_mix(tmp_path):
    log = AuditLog(tmp_path / 'a.jsonl')
    ids = [str(i) for i in range(500)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: log.record_search(f'{i}', [], Where(), ids), range(64)))
    lines = (tmp_path / 'a.jsonl').read_text().splitlines()
    assert sorted(int(json.loads(line)['gallery']) for line in lines) == list(range(64))


def test_no_search_without_its_log(tmp_path):
    assert AuditLog.of(None) is None
    (tmp_path / 'folder').mkdir()
    with pytest.raises(DataError, match=r'audit log .* cannot be written'):
        AuditLog.of(tmp_path / 'folder')
