from __future__ import annotations

import pytest

from mmps.datasets.converters.frames import find_frames, frame_shift
from mmps.datasets.converters.log import ConversionLog
from mmps.datasets.converters.track_files import TRACKER, TrackBox, TrackFile
from mmps.structures import DataError


@pytest.fixture
def folder(tmp_path):
    def make(*names):
        (tmp_path / 'img1').mkdir()
        for name in names:
            (tmp_path / 'img1' / name).touch()
        return tmp_path

    return make


@pytest.mark.parametrize(
    ('names', 'numbers'),
    [
        (['000002.jpg', '000001.jpg', '000010.jpg'], [1, 2, 10]),
        (['1.webp', '2.TIFF', '3.avif', '4.jp2'], [1, 2, 3, 4]),
        (['frame_000000.PNG', 'frame_000001.PNG'], [0, 1]),
        (['img00007.jpg', 'cover.jpg'], [7]),
        (['cam2-05.jpg'], [5]),
        (['000001.jpg', 'thumb_000001.jpg', 'Thumbs.db', 'notes.txt'], [1]),
    ],
)
def test_numbers_are_read_from_names(folder, names, numbers):
    frames = find_frames(folder(*names), ConversionLog())
    assert list(frames) == numbers
    assert set(frames.values()) <= {f'img1/{name}' for name in names}


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        ([], r'img1 holds no images such as 000001\.jpg'),
        (['a.heic', 'b.heic'], r'none of the 2 files .* ends as an image does, such as a\.heic'),
        (['one.jpg', 'two.jpg'], r'none of the 2 images .* by a frame number, such as one\.jpg'),
        (['a_1.jpg', 'b_1.jpg'], r'named in 2 ways, such as a_\.\.\. and b_\.\.\.'),
    ],
)
def test_names_without_numbers_are_refused(folder, names, message):
    with pytest.raises(DataError, match=message):
        find_frames(folder(*names), ConversionLog())


def test_one_image_of_a_frame_is_used_and_the_other_named(folder):
    root, log = folder('000001.jpg', '000001.png', '1.bmp', '000002.jpg'), ConversionLog()
    assert find_frames(root, log) == {1: 'img1/000001.jpg', 2: 'img1/000002.jpg'}
    assert sum('second image of a frame' in line for line in log.lines) == 2
    assert '000001.jpg, which is used, and 000001.png, which is not' in log.lines[-1]
    with pytest.raises(DataError, match='more than one image of a frame'):
        find_frames(root, ConversionLog(strict=True))


def tracks(*numbers):
    rows = [TrackBox(number, 1, (1, 1, 2, 2), True, 1, 1.0) for number in numbers]
    return TrackFile('tracks.txt', rows, TRACKER)


@pytest.mark.parametrize(
    ('frames', 'rows', 'first', 'shift'),
    [
        ([1, 2, 3], [1, 2, 3], None, 0),
        ([0, 1, 2], [0, 1, 2], None, 0),
        ([5, 6, 7], [0, 5, 6], None, 0),
        ([1, 2, 3], [], None, 0),
        ([1, 2, 3], [0, 1, 2], 0, 1),
        ([1, 2, 3], [0, 1, 2], 1, 0),
        ([0, 1, 2], [1, 2, 3], 1, -1),
        ([0, 1, 2], [1, 2, 3], 0, 0),
        ([1, 2, 3], [100, 101], 100, -99),
    ],
)
def test_frame_numbers_are_brought_together(frames, rows, first, shift):
    log = ConversionLog(strict=True)
    assert frame_shift(frames, tracks(*rows), first, log) == shift


@pytest.mark.parametrize(
    ('frames', 'rows', 'message'),
    [
        ([1, 2, 3], [0, 1, 2], r'rows of frames 0 to 2, .* are 1 to 3: use --first-frame 0'),
        ([0, 1, 2], [1, 2, 3], r'rows of frames 1 to 3, .* are 0 to 2: use --first-frame 1'),
    ],
)
def test_a_shift_by_one_is_refused(frames, rows, message):
    with pytest.raises(DataError, match=message):
        frame_shift(frames, tracks(*rows), None, ConversionLog())


def test_a_shift_that_may_be_right_is_a_warning():
    log = ConversionLog()
    assert frame_shift([0, 1, 2], tracks(1, 2), None, log) == 0
    assert 'use --first-frame 1 if row 1 belongs to image 0' in log.lines[0]
