from __future__ import annotations

import os

import cv2
import numpy as np
import pytest

from mmps.gallery.sources import Sampling, list_sources, read_frames, time_origin
from mmps.gallery.sources.seeking import read_again
from mmps.structures import DataError


@pytest.fixture
def folder(tmp_path):
    """Frames 1 to 12 whose grey is their number, a text, and a photograph one level deeper."""
    (tmp_path / 'video/sub').mkdir(parents=True)
    for number in range(1, 13):
        image = np.full((8, 8, 3), 10 * number, np.uint8)
        cv2.imwrite(str(tmp_path / f'video/img{number}.png'), image)
    cv2.imwrite(str(tmp_path / 'video/sub/photo.png'), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / 'video/notes.txt').write_text('nothing')
    return str(tmp_path / 'video')


def numbers(frames):
    return [(frame.number, int(frame.image[0, 0, 0]), round(frame.time, 3)) for frame in frames]


def test_a_folder_is_one_source_with_frames_in_natural_order(folder):
    assert list_sources([folder], as_frames=True) == [folder, os.path.join(folder, 'sub')]
    assert len(list_sources([folder])) == 13
    every_frame = list(read_frames(folder, Sampling(0, rate=4)))
    assert numbers(every_frame) == [(n, 10 * n + 10, n / 4) for n in range(12)]
    assert time_origin(folder, Sampling(0, rate=4)) == 'video'


def test_frames_are_thinned_as_those_of_a_video(folder):
    sampling = Sampling(0.5, start=100.0, rate=4)
    assert [n for n, _, _ in numbers(read_frames(folder, sampling))] == [0, 2, 4, 6, 8, 10]
    assert numbers(read_frames(folder, sampling, after=8)) == [(10, 110, 102.5)]
    # A rate that is no multiple: the first frame at or behind each half second.
    uneven = [n for n, _, _ in numbers(read_frames(folder, Sampling(0.5, rate=3)))]
    assert uneven == [0, 2, 3, 5, 6, 8, 9, 11]


def test_a_broken_frame_is_noted_and_the_others_follow(folder):
    with open(os.path.join(folder, 'img3.png'), 'wb') as file:
        file.write(b'no image')
    notes = []
    found = list(read_frames(folder, Sampling(0, rate=1), note=notes.append))
    assert [frame.number for frame in found] == [n for n in range(12) if n != 2]
    assert len(notes) == 1
    assert 'img3.png' in notes[0]


def test_frames_are_read_again_by_number(folder):
    found = dict(read_again(folder, {11: 0.0, 1: 0.0}))
    assert {n: int(image[0, 0, 0]) for n, image in found.items()} == {1: 20, 11: 120}
    with pytest.raises(DataError, match='only 12 frames'):
        list(read_again(folder, {12: 0.0}))


@pytest.mark.parametrize('rate', [0, -1, float('nan')])
def test_rates_are_positive(rate):
    with pytest.raises(DataError, match='rate'):
        Sampling(rate=rate)


def test_a_folder_needs_a_rate(folder):
    with pytest.raises(DataError, match='rate'):
        list(read_frames(folder, Sampling()))
