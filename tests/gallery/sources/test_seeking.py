from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mmps.gallery.sources import Sampling, read_frames
from mmps.gallery.sources.seeking import read_again
from mmps.structures import DataError

from .test_frames import VIDEOS, number_in, write_video


@pytest.fixture(params=['av', 'opencv'])
def _reader(request, monkeypatch):
    if request.param == 'av':
        pytest.importorskip('av', reason="needs PyAV: pip install 'mmps[video]'")
    else:
        monkeypatch.setitem(sys.modules, 'av', None)


@pytest.mark.usefixtures('_reader')
@pytest.mark.parametrize('name', ['a.mp4', 'b.avi', 'c.mkv'])
def test_frames_are_found_again(tmp_path, name):
    path = write_video(tmp_path / name)
    first = {frame.number: frame for frame in read_frames(path, Sampling(every=0))}
    for wanted in ([34], [0], [17, 3, 20], range(35)):
        found = dict(read_again(path, {n: first[n].time for n in wanted}))
        assert list(found) == sorted(wanted)
        for number, image in found.items():
            assert number_in(image) == number
            np.testing.assert_array_equal(image.shape, first[number].image.shape)


@pytest.mark.usefixtures('_reader')
def test_what_is_gone_is_named(tmp_path):
    with pytest.raises(DataError, match='does not exist any more'):
        list(read_again(str(tmp_path / 'a.mp4'), {0: 0.0}))
    path = write_video(tmp_path / 'a.mp4', count=10)
    with pytest.raises(DataError, match='only 10 frames any more'):
        list(read_again(path, {30: 3.0}))


@pytest.mark.usefixtures('_reader')
def test_frames_of_real_videos_are_found_again():
    if not VIDEOS.is_dir():
        pytest.skip('shared/data/real/intel-sample-videos is not there')
    path = str(sorted(VIDEOS.glob('*.mp4'))[0])
    frames = [f for f in read_frames(path, Sampling(every=1.7)) if f.number < 200]
    for number, image in read_again(path, {f.number: f.time for f in frames}):
        (original,) = [f.image for f in frames if f.number == number]
        # Two decoders of one stream may round colours differently.
        assert np.abs(image.astype(int) - original.astype(int)).mean() < 3


def test_an_image_is_read_as_it_is(tmp_path):
    import cv2

    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    ((number, found),) = read_again(str(Path(tmp_path / 'a.png')), {-1: float('nan')})
    assert number == -1
    np.testing.assert_array_equal(found, image)
