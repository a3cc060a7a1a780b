"""What is noted of a finished set-up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def stamp(tool, tmp_path, monkeypatch):
    """The module, with an environment of its own."""
    monkeypatch.setattr(tool.stamp, 'FILE', tmp_path / 'an env' / 'stamp.json')
    (tmp_path / 'an env').mkdir()
    return tool.stamp


@pytest.fixture
def checkout(tmp_path):
    """A small checkout in a folder with a space."""
    root = tmp_path / 'a clone'
    for name in ('mmps/models/head.py', 'configs/base.py', 'tools/train.py', 'setup.py'):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / 'mmps' / 'versions.txt').write_text('torch==1')
    return root


def fingerprint(stamp, root, stack='openmmlab'):
    return stamp.fingerprint(stack, root, root / 'mmps' / 'versions.txt')


def test_what_is_noted_is_read(stamp):
    assert stamp.read_stamp() == stamp.Stamp('', cpu_only=False)
    for noted in (stamp.Stamp('key', cpu_only=True), stamp.Stamp('other')):
        stamp.write_stamp(noted)
        assert stamp.read_stamp() == noted
    assert [path.name for path in stamp.FILE.parent.iterdir()] == ['stamp.json']


def test_the_stamp_of_an_older_version_is_read(stamp):
    stamp.FILE.write_text('{"fingerprint": "key"}')
    assert stamp.read_stamp() == stamp.Stamp('key')


@pytest.mark.parametrize('content', [b'', b'{', b'[]', b'"x"', b'7', b'null', b'{}', b'\xff\xfe'])
def test_a_damaged_stamp_is_as_good_as_none(stamp, content):
    stamp.FILE.write_bytes(content)
    assert stamp.read_stamp() == stamp.Stamp()


def test_a_stamp_is_on_disk_before_it_takes_the_place_of_the_last(stamp, monkeypatch):
    done = []
    monkeypatch.setattr(stamp.os, 'fsync', lambda _: done.append('fsync'))
    replace = os.replace
    monkeypatch.setattr(stamp.os, 'replace', lambda *p: (done.append('replace'), replace(*p)))
    stamp.write_stamp(stamp.Stamp('key'))
    assert done == ['fsync', 'replace']


def test_versions_packaging_stack_and_place_count(stamp, checkout, tmp_path):
    keys = [fingerprint(stamp, checkout)]
    assert fingerprint(stamp, checkout) == keys[0]
    keys.append(fingerprint(stamp, checkout, 'onedl'))
    for name in ('mmps/versions.txt', 'setup.py'):
        (checkout / name).write_text('changed')
        keys.append(fingerprint(stamp, checkout))
    keys.append(fingerprint(stamp, checkout.rename(tmp_path / 'elsewhere')))
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize('name', ['mmps/models/head.py', 'configs/base.py', 'tools/train.py'])
@pytest.mark.parametrize('writable', [True, False])
def test_sources_count_where_they_were_copied(stamp, checkout, monkeypatch, name, writable):
    """An editable installation follows the checkout, a copy has to be made again."""
    monkeypatch.setattr(stamp, 'can_write', lambda _: writable)
    before = fingerprint(stamp, checkout)
    (checkout / 'mmps' / '__pycache__').mkdir()
    (checkout / 'mmps' / '__pycache__' / 'head.pyc').touch()
    assert fingerprint(stamp, checkout) == before
    (checkout / name).write_text('changed')
    assert (fingerprint(stamp, checkout) == before) == writable


def test_every_source_is_there(stamp):
    assert all((ROOT / name).exists() for name in stamp.SOURCES)
