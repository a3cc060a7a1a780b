import os
import shutil
import zipfile

import pytest
import torch

from mmps.checkpoints import is_whole
from mmps.checkpoints.atomic_backend import ATOMIC_BACKEND
from mmps.checkpoints.resuming import check_resumable, newest_whole_checkpoint
from mmps.structures import ConfigError


@pytest.fixture
def folder(tmp_path):
    for epoch in (2, 9, 10):
        torch.save({'weight': torch.arange(5000.0) + epoch}, tmp_path / f'epoch_{epoch}.pth')
    return tmp_path


def cut(path, part):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])


def at(path, minutes):
    """Set when a file was written."""
    os.utime(path, (60 * minutes, 60 * minutes))


@pytest.fixture
def shared_folder(folder):
    """Epochs 2 and 9 of a second run, and epoch 10 of a finished one before."""
    for minutes, epoch in enumerate((10, 2, 9)):
        at(folder / f'epoch_{epoch}.pth', minutes)
    return folder


def test_the_file_written_last_is_the_newest_and_higher_numbers_are_told(shared_folder, mm_log):
    assert newest_whole_checkpoint(shared_folder).name == 'epoch_9.pth'
    assert 'epoch_9.pth, which was written last, although epoch_10.pth with a higher' in mm_log.text
    assert '(--resume FILE)' in mm_log.text


def test_of_files_of_one_moment_the_highest_number_is_the_newest(folder, mm_log):
    for epoch in (2, 9, 10):
        at(folder / f'epoch_{epoch}.pth', 1)
    assert newest_whole_checkpoint(folder).name == 'epoch_10.pth'
    assert not mm_log.text


def test_the_last_checkpoint_is_the_newest_wherever_its_folder_was(shared_folder, mm_log):
    (shared_folder / 'last_checkpoint').write_text('/elsewhere/run/epoch_2.pth')
    assert newest_whole_checkpoint(shared_folder).name == 'epoch_2.pth'
    assert 'epoch_2.pth, which was written last, although' in mm_log.text


@pytest.mark.parametrize(
    'text', ['', '/run/epoch_1', '/run/epoch_2.p', '/run/best_mAP_epoch_9.pth']
)
def test_a_torn_last_checkpoint_file_leaves_it_to_the_times(shared_folder, text):
    (shared_folder / 'last_checkpoint').write_text(text)
    assert newest_whole_checkpoint(shared_folder).name == 'epoch_9.pth'


def test_a_torn_last_checkpoint_leaves_it_to_the_times(shared_folder, mm_log):
    (shared_folder / 'last_checkpoint').write_text(str(shared_folder / 'epoch_2.pth'))
    cut(shared_folder / 'epoch_2.pth', 0.5)
    assert newest_whole_checkpoint(shared_folder).name == 'epoch_9.pth'
    assert 'epoch_2.pth was cut short' in mm_log.text


def test_epochs_of_phase_1_may_not_count(folder):
    assert newest_whole_checkpoint(folder, after=9).name == 'epoch_10.pth'
    assert newest_whole_checkpoint(folder, after=10) is None


@pytest.mark.parametrize('part', [0.0, 0.01, 0.5, 0.99])
def test_a_torn_file_is_passed_over_with_a_warning(folder, mm_log, part):
    (folder / 'last_checkpoint').write_text(str(folder / 'epoch_10.pth'))
    cut(folder / 'epoch_10.pth', part)
    assert newest_whole_checkpoint(folder).name == 'epoch_9.pth'
    assert 'epoch_10.pth was cut short' in mm_log.text
    cut(folder / 'epoch_9.pth', part)
    cut(folder / 'epoch_2.pth', part)
    assert newest_whole_checkpoint(folder) is None


def test_a_flipped_byte_is_found(folder):
    path = folder / 'epoch_10.pth'
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert not is_whole(path)
    assert newest_whole_checkpoint(folder).name == 'epoch_9.pth'


def test_other_files_do_not_count(folder):
    for name in ('epoch_11-1a2b3c4d.pth', 'best_mAP_epoch_12.pth', '.epoch_13.pth.1.tmp'):
        shutil.copy(folder / 'epoch_2.pth', folder / name)
    (folder / 'last_checkpoint').write_text(str(folder / 'epoch_99.p'))
    assert newest_whole_checkpoint(folder).name == 'epoch_10.pth'


def test_an_empty_or_missing_folder_has_none(tmp_path):
    assert newest_whole_checkpoint(tmp_path) is None
    assert newest_whole_checkpoint(tmp_path / 'missing') is None


def checkpoint(epoch, phase=None):
    meta = {'epoch': epoch} if phase is None else {'epoch': epoch, 'mmps_phase': phase}
    return {'meta': meta, 'optimizer': {}}


@pytest.mark.parametrize(
    ('epoch', 'phase', 'expected'),
    [(1, 'detection', 'detection'), (3, None, 'detection'), (3, 'detection', 'detection'),
     (4, 'reid', 'reid')],
)  # fmt: skip
def test_the_phase_is_the_one_that_was_saved(epoch, phase, expected):
    assert check_resumable(checkpoint(epoch, phase), 'x.pth', 3) == expected


@pytest.mark.parametrize(('epoch', 'phase'), [(4, 'detection'), (4, None), (3, 'reid')])
def test_a_checkpoint_of_another_config_is_told(epoch, phase):
    with pytest.raises(ConfigError, match=r'x.pth was saved in phase \d after \d epochs, which'):
        check_resumable(checkpoint(epoch, phase), 'x.pth', 3)


def test_phase_1_is_not_resumed_by_a_run_that_begins_with_phase_2():
    assert check_resumable(checkpoint(4, 'reid'), 'x.pth', 3, 'reid') == 'reid'
    with pytest.raises(ConfigError, match=r"x.pth was saved in phase 1, which two_phase.start='re"):
        check_resumable(checkpoint(3, 'detection'), 'x.pth', 3, 'reid')


def test_a_checkpoint_without_optimizer_is_told():
    with pytest.raises(ConfigError, match=r'best_x.pth has no optimizer state .*: resume from an'):
        check_resumable({'meta': {'epoch': 3}}, 'best_x.pth', 3)


def test_the_backend_writes_whole_files_in_new_folders(tmp_path, monkeypatch):
    from mmengine.fileio import get_file_backend

    backend = get_file_backend(str(tmp_path), backend_args={'backend': ATOMIC_BACKEND})
    path = tmp_path / 'new' / 'a.pth'
    backend.put(b'whole', path)
    backend.put_text('text', path.with_suffix('.txt'))
    assert path.read_bytes() == b'whole'
    assert path.with_suffix('.txt').read_text() == 'text'
    monkeypatch.setattr('os.fsync', lambda fd: (_ for _ in ()).throw(OSError('killed')))
    with pytest.raises(OSError, match='killed'):
        backend.put(b'part', path)
    assert path.read_bytes() == b'whole'


def test_checkpoints_are_archives_with_checksums(folder):
    with zipfile.ZipFile(folder / 'epoch_2.pth') as archive:
        assert all(item.CRC for item in archive.infolist() if item.file_size > 100)
