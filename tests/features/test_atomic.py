import os
import signal
import subprocess
import sys
import time

import pytest

from mmps.features.atomic import ABANDONED_AFTER, remove_abandoned, write_atomically


def test_a_failed_write_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / 'a.json'
    write_atomically(path, b'old')
    monkeypatch.setattr('os.replace', lambda *a: (_ for _ in ()).throw(OSError('failed')))
    with pytest.raises(OSError, match='failed'):
        write_atomically(path, b'new')
    assert path.read_bytes() == b'old'
    assert [p.name for p in tmp_path.iterdir()] == ['a.json']


WRITER = """
import sys
from pathlib import Path
from mmps.features.atomic import write_atomically
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
    assert sorted(p.name for p in tmp_path.iterdir()) == ['.b.npy.2.tmp', 'c.tmp']
