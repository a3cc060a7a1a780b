from __future__ import annotations

import os

import pytest

from mmps.gallery.sources import is_video, list_sources
from mmps.structures import DataError

FILES = (
    'frame10.jpg', 'frame2.JPG', 'notes.txt', '.hidden.png', 'day 2/b.mp4', 'day 10/a.MKV',
    'day 2/deep/c.png', '.git/d.jpg', 'page.html', 'e[1].webp',
)  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in FILES:
        path = tmp_path / 'footage' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return 'footage'


WHOLE = [
    'e[1].webp',
    'frame2.JPG',
    'frame10.jpg',
    'day 2/b.mp4',
    'day 2/deep/c.png',
    'day 10/a.MKV',
]


@pytest.mark.parametrize(
    ('inputs', 'expected'),
    [
        (['footage'], WHOLE),
        (['footage/**'], sorted(WHOLE)),
        (['footage/*/*.mp4', 'footage/*/*.MKV'], ['day 2/b.mp4', 'day 10/a.MKV']),
        (['footage/e[1].webp'], ['e[1].webp']),
        (['footage/notes.txt'], ['notes.txt']),
        (['footage/frame10.jpg', 'footage/day 2', 'footage/./frame10.jpg'],
         ['frame10.jpg', 'day 2/b.mp4', 'day 2/deep/c.png']),
    ],
)  # fmt: skip
def test_inputs_are_files_folders_and_patterns(folder, inputs, expected):
    found = [os.path.relpath(path, folder).replace(os.sep, '/') for path in list_sources(inputs)]
    if inputs == ['footage/**']:
        found = sorted(found)
    assert found == expected


@pytest.mark.parametrize(
    ('inputs', 'words'),
    [
        (['nowhere'], 'nowhere does not exist'),
        (['footage/*.mov'], 'no image and no video'),
        (['footage/.git'], None),
    ],
)
def test_inputs_without_anything_are_refused(folder, inputs, words):
    if words is None:
        assert list_sources(inputs)  # a hidden folder that is named itself is meant
        return
    with pytest.raises(DataError, match=words):
        list_sources(inputs)


def test_videos_are_known_by_name():
    assert all(map(is_video, ('a.mp4', 'b.MKV', 'c.h264', 'x/y.Mov')))
    assert not any(map(is_video, ('a.jpg', 'mp4', 'c', 'x.mp4/y.png')))
