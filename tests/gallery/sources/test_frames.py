from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmps.gallery.sources import Sampling, capture_time, read_frames, time_origin
from mmps.structures import DataError

SIZE, RATE, BITS = (64, 48), 10, 8
VIDEOS = Path(__file__).parents[3].parent / 'shared' / 'data' / 'real' / 'intel-sample-videos'


def draw(number):
    """An image whose columns show the bits of a number, so that coding cannot blur it."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    for bit in range(BITS):
        image[:, bit * 8 : bit * 8 + 8] = 255 * (number >> bit & 1)
    return image


def number_in(image):
    return sum((image[:, bit * 8 + 4].mean() > 127) << bit for bit in range(BITS))


def write_video(path, count=35, code='mp4v'):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), RATE, SIZE)
    for number in range(count):
        writer.write(draw(number))
    writer.release()
    return str(path)


def numbers_and_times(path, every, start=None, after=-1):
    frames = list(read_frames(path, Sampling(every, start), after))
    assert [number_in(frame.image) for frame in frames] == [frame.number for frame in frames]
    return [frame.number for frame in frames], [frame.time for frame in frames]


@pytest.mark.parametrize('every', [0, 0.1, 0.25, 0.5, 1, 10])
@pytest.mark.parametrize('name', ['a.mp4', 'b.avi', 'c.mkv'])
def test_frames_are_those_due_by_their_times(tmp_path, name, every):
    path = write_video(tmp_path / name)
    numbers, times = numbers_and_times(path, every)
    expected, due = [], 0.0
    for number in range(35):
        if number / RATE >= due - 1e-3:
            expected.append(number)
            while every and due <= number / RATE + 1e-3:
                due += every
    assert numbers == expected
    np.testing.assert_allclose(times, np.array(expected) / RATE, atol=2e-3)


@pytest.mark.parametrize('every', [0, 0.25, 1])
def test_reading_goes_on_as_if_it_had_not_stopped(tmp_path, every):
    path = write_video(tmp_path / 'a.mp4')
    numbers, times = numbers_and_times(path, every, start=1000.0)
    assert times[0] == 1000.0
    for stop in (0, 1, len(numbers) - 1):
        further = numbers_and_times(path, every, start=1000.0, after=numbers[stop])
        assert further == (numbers[stop + 1 :], times[stop + 1 :])


def test_a_stream_without_times_is_counted_by_its_rate(tmp_path):
    path = write_video(tmp_path / 'a.mjpg', code='MJPG')
    if not Path(path).is_file():  # the writer knows no such container: cut the frames out of one
        images = [cv2.imencode('.jpg', draw(number))[1].tobytes() for number in range(35)]
        Path(path).write_bytes(b''.join(images))
    with pytest.warns(UserWarning, match='carries no times'):
        numbers, times = numbers_and_times(path, 0)
    assert numbers == list(range(35))
    assert np.all(np.diff(times) > 0)


@pytest.mark.parametrize(
    ('content', 'words'),
    [(b'', 'empty'), (b'this is text' * 100, 'no readable video'), (None, 'does not exist')],
)
def test_what_is_no_video_is_refused(tmp_path, content, words):
    path = tmp_path / 'a.mp4'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        list(read_frames(str(path), Sampling()))


def test_the_log_of_opencv_4_is_used_too(tmp_path, monkeypatch):
    levels = []
    monkeypatch.delattr(cv2.utils, 'logging', raising=False)
    monkeypatch.setattr(cv2, 'setLogLevel', lambda level: levels.append(level) or 3, raising=False)
    assert len(list(read_frames(write_video(tmp_path / 'a.mp4', 3), Sampling(0)))) == 3
    assert levels[:2] == [2, 3]


def test_a_video_without_its_end_is_refused_or_read_as_far_as_it_goes(tmp_path):
    for name, code in (('a.mp4', 'mp4v'), ('b.avi', 'MJPG')):
        path = Path(write_video(tmp_path / name, 200, code))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match='cut short'):  # its index stood at the end
        list(read_frames(str(tmp_path / 'a.mp4'), Sampling()))
    numbers, _ = numbers_and_times(str(tmp_path / 'b.avi'), 0)
    assert 50 < len(numbers) < 150


def test_names_with_percent_signs_are_no_patterns(tmp_path):
    path = write_video(tmp_path / 'a%03d.avi')
    assert numbers_and_times(path, 1)[0] == [0, 10, 20, 30]


@pytest.mark.parametrize('every', [-1, math.nan, math.inf])
def test_intervals_that_cannot_be_are_refused(every):
    with pytest.raises(DataError, match='every'):
        Sampling(every)


def photograph(path, taken=None, offset=None, subsec=None, orientation=None):
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    details = exif.get_ifd(0x8769)
    for tag, value in ((0x9003, taken), (0x9011, offset), (0x9291, subsec)):
        if value:
            details[tag] = value
    Image.new('RGB', (40, 20), 'red').save(path, exif=exif)
    return str(path)


def test_photographs_have_the_time_of_their_exif(tmp_path):
    text = '2026:11:27 08:30:15'
    local = datetime(2026, 11, 27, 8, 30, 15)
    east = local.replace(tzinfo=timezone(timedelta(hours=2))).timestamp()
    for given, time in (
        ({}, None),
        ({'taken': text}, local.timestamp()),
        ({'taken': text, 'offset': '+02:00'}, east),
        ({'taken': text, 'offset': '+02:00', 'subsec': '25'}, east + 0.25),
        ({'taken': '0000:00:00 00:00:00'}, None),
        ({'taken': 'yesterday'}, None),
    ):
        path = photograph(tmp_path / 'a.jpg', **given)
        assert capture_time(path) == time
        assert time_origin(path, Sampling()) == ('unknown' if time is None else 'exif')
        (frame,) = read_frames(path, Sampling())
        assert frame.number == -1
        np.testing.assert_equal(frame.time, np.nan if time is None else time)
    (frame,) = read_frames(path, Sampling(start=5.0))
    assert (frame.time, time_origin(path, Sampling(start=5.0))) == (5.0, 'start')


def test_photographs_are_turned_as_their_exif_asks(tmp_path):
    path = photograph(tmp_path / 'a.jpg', orientation=6)
    (frame,) = read_frames(path, Sampling())
    assert frame.image.shape == (40, 20, 3)


def test_real_videos_have_rising_times():
    if not VIDEOS.is_dir():
        pytest.skip('shared/data/real/intel-sample-videos is not there')
    for path in sorted(VIDEOS.glob('*.mp4')):
        times = [frame.time for frame in read_frames(str(path), Sampling(every=2))]
        assert len(times) > 3
        np.testing.assert_allclose(np.diff(times), 2, atol=0.1)
