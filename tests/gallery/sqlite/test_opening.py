from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from mmps.gallery import open_gallery
from mmps.gallery.sqlite import disks
from mmps.structures import DataError

from ..conftest import MODEL, people, state


def filled(path):
    with open_gallery(path, model=MODEL, mode='w') as gallery:
        gallery.add(people(), [state()])
    return path


def test_a_closed_gallery_is_one_file(tmp_path):
    filled(tmp_path / 'a.mmps')
    assert os.listdir(tmp_path) == ['a.mmps']


def test_names_with_characters_of_addresses(tmp_path):
    path = filled(tmp_path / 'a folder?' / 'b#%20&mode=rw.mmps')
    with open_gallery(path) as gallery:
        assert gallery.count() == 12
        assert gallery.info.model == MODEL


def test_reopened_for_writing_without_its_model(tmp_path):
    path = filled(tmp_path / 'a.mmps')
    with open_gallery(path, mode='w') as gallery:
        gallery.add(people('b.mp4'), [state('b.mp4', 'digest-b')])
        assert gallery.count() == 24


@pytest.mark.parametrize(
    ('name', 'content', 'words'),
    [
        ('missing.mmps', None, 'does not exist'),
        ('text.mmps', b'hello, this is a text file' * 99, 'no gallery'),
        ('empty.mmps', b'', 'no gallery'),
        ('wrong.sqlite', b'', 'ends in .mmps'),
    ],
)
def test_what_is_no_gallery_is_refused_and_left_as_it_is(tmp_path, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        open_gallery(path)
    assert not path.exists() if content is None else path.read_bytes() == content


def test_other_databases_are_refused_and_left_as_they_are(tmp_path):
    path = tmp_path / 'other.mmps'
    connection = sqlite3.connect(path)
    connection.execute('CREATE TABLE something(a)')
    connection.commit()
    connection.close()
    before = path.read_bytes()
    for mode in 'rw':
        with pytest.raises(DataError, match='no gallery'):
            open_gallery(path, model=MODEL, mode=mode)
    assert path.read_bytes() == before


def test_a_newer_format_is_refused(tmp_path):
    path = filled(tmp_path / 'a.mmps')
    connection = sqlite3.connect(path)
    connection.execute('PRAGMA user_version = 99')
    connection.close()
    for mode in 'rw':
        with pytest.raises(DataError, match=r'format 99.*update mmps'):
            open_gallery(path, model=MODEL, mode=mode)


def test_a_damaged_gallery_is_told_in_a_sentence(tmp_path):
    path = tmp_path / 'a.mmps'
    with open_gallery(path, model=MODEL, mode='w') as gallery:
        gallery.add(people(frames=range(500)), [state()])
    content = bytearray(path.read_bytes())
    content[8192 : len(content) - 8192] = os.urandom(len(content) - 16384)
    path.write_bytes(content)
    with pytest.raises(DataError, match='damaged'), open_gallery(path) as gallery:
        gallery.search(people().vectors[:1])


def test_a_gallery_that_may_only_be_read(tmp_path, monkeypatch):
    path = filled(tmp_path / 'a.mmps')
    connect = sqlite3.connect

    def without_shared_memory(address, **options):
        """As where the folder is read-only, which the super-user of a test does not notice."""
        if 'immutable' not in str(address):
            raise sqlite3.OperationalError('unable to open database file')
        return connect(address, **options)

    monkeypatch.setattr(sqlite3, 'connect', without_shared_memory)
    with open_gallery(path) as gallery:
        assert len(gallery.search(people().vectors[:1])[0]) == 12


MOUNTS = """\
22 1 0:21 / / rw,relatime - ext4 /dev/root rw
30 22 0:40 / /net/my\\040share rw - nfs4 server:/x rw
31 22 0:41 / /net/local rw - ext4 /dev/sdb rw
32 22 0:42 / /far rw - fuse.sshfs me@there rw
"""


@pytest.mark.parametrize(
    ('path', 'kind'),
    [
        ('/net/my share/deep/a.mmps', 'nfs4'),
        ('/far/me/a.mmps', 'fuse.sshfs'),
        ('/net/local/a.mmps', None),
        ('/farther/a.mmps', None),
    ],
)
def test_network_disks_are_refused(tmp_path, monkeypatch, path, kind):
    monkeypatch.setattr(disks, 'MOUNTS', tmp_path / 'mountinfo')
    (tmp_path / 'mountinfo').write_text(MOUNTS)
    if kind is None:
        disks.refuse_network_disk(Path(path))
    else:
        with pytest.raises(DataError, match=f'network disk .{kind}'):
            disks.refuse_network_disk(Path(path))
