from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmps import files
from mmps.files import (
    ABANDONED_AFTER,
    atomic_file,
    check_can_write,
    read_text,
    remove_abandoned,
    write_atomically,
    write_json,
    write_text,
)
from mmps.structures import ConfigError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_failed_write_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / 'a.json'
    write_atomically(path, b'old')
    monkeypatch.setattr('os.replace', lambda *a: (_ for _ in ()).throw(OSError('failed')))
    with pytest.raises(OSError, match='failed'):
        write_atomically(path, b'new')
    assert path.read_bytes() == b'old'
    assert names(tmp_path) == ['a.json']


@pytest.mark.parametrize('error', [KeyboardInterrupt, ValueError('no number')])
def test_what_fails_in_the_middle_leaves_nothing(tmp_path, error):
    def fail():
        with atomic_file(tmp_path / 'a') as file:
            file.write(b'half')
            raise error

    with pytest.raises((KeyboardInterrupt, ValueError)):
        fail()
    assert not names(tmp_path)


def test_a_full_disk_names_the_file(tmp_path):
    path = tmp_path / 'a'
    with pytest.raises(OSError, match=rf"No space left on device: '{path}'$"), atomic_file(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not names(tmp_path)


def test_a_read_only_folder_is_told_by_the_name_of_the_file(tmp_path, monkeypatch):
    def refuse(name, mode):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(name))

    monkeypatch.setattr(files, 'open', refuse, raising=False)
    path = tmp_path / 'a'
    with pytest.raises(PermissionError, match=rf"Permission denied: '{path}'$"):
        write_atomically(path, b'')


def test_an_error_of_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'missing\.jpg'), atomic_file(tmp_path / 'a'):
        (tmp_path / 'missing.jpg').read_bytes()


def test_two_writers_of_one_file_do_not_mix(tmp_path):
    path = tmp_path / 'a'
    with atomic_file(path) as slow:
        slow.write(b'slow')
        write_atomically(path, b'fast')
        assert path.read_bytes() == b'fast'
    assert path.read_bytes() == b'slow'
    assert names(tmp_path) == ['a']


def test_others_may_read_what_is_written(tmp_path):
    write_atomically(tmp_path / 'a', b'')
    (tmp_path / 'b').touch()
    assert (tmp_path / 'a').stat().st_mode == (tmp_path / 'b').stat().st_mode


WRITER = """
import sys
from pathlib import Path
from mmps.files import write_atomically
for number in range(10**9):
    write_atomically(Path(sys.argv[1]), bytes([number % 256]) * 3_000_000)
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path):
    path = tmp_path / 'a.bin'
    for pause in (0.0, 0.013, 0.031):
        path.unlink(missing_ok=True)
        writer = subprocess.Popen([sys.executable, '-c', WRITER, str(path)])
        while not path.exists():
            assert writer.poll() is None
            time.sleep(0.005)
        time.sleep(pause)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        content = path.read_bytes()
        assert len(content) == 3_000_000
        assert len(set(content)) == 1


def test_only_what_nobody_writes_to_any_more_is_removed(tmp_path):
    for name, age in (('.a.npy.1.tmp', ABANDONED_AFTER + 60), ('.b.npy.2.tmp', 5), ('c.tmp', 1e6)):
        (tmp_path / name).write_text('')
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    remove_abandoned(tmp_path)
    assert names(tmp_path) == ['.b.npy.2.tmp', 'c.tmp']
    remove_abandoned(tmp_path / 'missing')


def test_what_a_writer_leaves_is_found_when_it_is_killed(tmp_path):
    with atomic_file(tmp_path / 'a.npy'):
        (scratch,) = tmp_path.iterdir()
        os.utime(scratch, (0, 0))
        remove_abandoned(tmp_path)
        assert not names(tmp_path)
        scratch.touch()


@pytest.mark.parametrize(
    ('compact', 'text'),
    [(False, '{\n  "a": [\n    1\n  ],\n  "b": "é"\n}\n'), (True, '{"a":[1],"b":"é"}')],
)
def test_json_for_people_and_for_programs(tmp_path, compact, text):
    path = tmp_path / 'new' / 'deep' / 'a.json'
    write_json(path, {'a': [1], 'b': 'é'}, compact)
    assert path.read_text(encoding='utf-8') == text
    assert json.loads(text) == {'a': [1], 'b': 'é'}
    assert names(path.parent) == ['a.json']


def test_text_is_written_as_it_is(tmp_path):
    write_text(tmp_path / 'new' / 'a.csv', 'é\r\nb\n')
    assert (tmp_path / 'new' / 'a.csv').read_bytes() == 'é\r\nb\n'.encode()


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be'])
@pytest.mark.parametrize('text', ['', 'a', 'file,x\r\nSüd 图.jpg,1\n'])
def test_text_of_any_editor_is_read(tmp_path, encoding, text):
    (tmp_path / 'a.csv').write_bytes(text.encode(encoding))
    assert read_text(tmp_path / 'a.csv') == text


def test_what_is_no_text_is_not_read(tmp_path):
    (tmp_path / 'a.csv').write_bytes('Süd'.encode('cp1252'))
    with pytest.raises(UnicodeDecodeError):
        read_text(tmp_path / 'a.csv')


LATIN_1 = os.fsdecode(b's\xfcd.jpg')  # how Python names a file whose name is no UTF-8


@pytest.mark.parametrize('compact', [False, True])
def test_names_that_are_no_unicode_survive_json(tmp_path, compact):
    write_json(tmp_path / 'a.json', {'file_name': LATIN_1}, compact)
    text = (tmp_path / 'a.json').read_text('utf-8')
    assert os.fsencode(json.loads(text)['file_name']) == b's\xfcd.jpg'
    assert text.endswith('}' if compact else '}\n')


def test_names_that_are_no_unicode_are_escaped_in_text(tmp_path):
    write_text(tmp_path / 'a.csv', f'{LATIN_1},ü\n')
    assert (tmp_path / 'a.csv').read_text('utf-8') == 's\\udcfcd.jpg,ü\n'


def test_places_are_checked_before_they_are_needed(tmp_path):
    file = tmp_path / 'file'
    file.touch()
    for place, is_folder in ((tmp_path / 'new/a.json', False), (tmp_path / 'new', True)):
        check_can_write(place, is_folder)
    check_can_write(file)
    check_can_write(tmp_path, is_folder=True)
    check_can_write(Path('relative.json'))
    assert not (tmp_path / 'new').exists()
    with pytest.raises(ConfigError, match='is a folder; add the name of a file'):
        check_can_write(tmp_path)
    for place, is_folder in ((file / 'a.json', False), (file, True), (file / 'deep/er', True)):
        with pytest.raises(ConfigError, match=f'cannot be written: {file} is no folder'):
            check_can_write(place, is_folder)
