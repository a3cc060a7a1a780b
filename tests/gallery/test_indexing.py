from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmps.gallery import GalleryModel, Rows, Where, open_gallery
from mmps.gallery.indexing import Settings, index
from mmps.gallery.sources import Places
from mmps.structures import DataError

MODEL = GalleryModel('of a test', 4)
SIZE, RATE = (64, 48), 10


@dataclass
class Found:
    boxes: np.ndarray
    scores: np.ndarray
    embeddings: np.ndarray


def find(images):
    """Take the brightness of an image for the number of its people, and for their looks."""
    found = []
    for image in images:
        value = image.mean()
        count = int(value) % 4 + 1
        vectors = np.stack([np.cos(value * (1 + np.arange(4)) + i) for i in range(count)])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        boxes = np.arange(count * 4).reshape(count, 4) + value
        scores = np.linspace(0.2, 0.9, count)
        found.append(Found(boxes, scores, vectors.astype(np.float32)))
    return found


def write_video(path, count, first=0):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), RATE, SIZE)
    for number in range(first, first + count):
        writer.write(np.full((SIZE[1], SIZE[0], 3), 40 + number, np.uint8))
    writer.release()


@pytest.fixture
def footage(tmp_path):
    """Two videos and five images."""
    folder = tmp_path / 'footage'
    folder.mkdir()
    write_video(folder / 'a.mp4', 95)
    for number in range(5):
        image = np.full((40, 30, 3), 10 * number + 5, np.uint8)
        cv2.imwrite(str(folder / f'b{number}.png'), image)
    write_video(folder / 'c.mp4', 31, first=100)
    return [str(folder / name) for name in sorted(os.listdir(folder))]


def opened(tmp_path, name='people.mmps'):
    return open_gallery(tmp_path / name, model=MODEL, mode='w')


def content(gallery):
    return Rows.joined(gallery.rows(vectors=True))


def assert_same(first, second):
    for name in ('ids', 'frame', 'slot', 'time', 'boxes', 'scores'):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)
    np.testing.assert_allclose(first.vectors, second.vectors, atol=1e-3)
    assert list(first.source) == list(second.source)


SETTINGS = Settings(every=0.3, min_score=0.3, batch_size=4)


def test_people_of_all_frames_are_stored(tmp_path, footage):
    with opened(tmp_path) as gallery:
        reports = []
        summary = index(gallery, find, footage, SETTINGS, lambda *seen: reports.append(seen))
        rows = content(gallery)
    assert (summary.sources, summary.frames, summary.people) == (7, 32 + 5 + 11, len(rows))
    assert not summary.problems
    assert [position for position, *_ in reports] == sorted(position for position, *_ in reports)
    assert rows.scores.min() >= 0.3
    video = rows[rows.source == footage[0]]
    assert {*video.frame.tolist()} < {*range(0, 95, 3)}  # one alone scores too little
    np.testing.assert_allclose(video.time, video.frame / RATE, atol=2e-3)
    for number in {*video.frame.tolist()}:
        slots = video.slot[video.frame == number].tolist()
        assert slots == list(range(len(slots)))
    assert np.isnan(rows.time[rows.source == footage[1]]).all()


def test_a_second_run_has_nothing_to_do(tmp_path, footage):
    with opened(tmp_path) as gallery:
        index(gallery, find, footage, SETTINGS)
        before = content(gallery)
        os.utime(footage[1])
        os.utime(footage[0])
        summary = index(gallery, None, footage, SETTINGS)
        assert (summary.unchanged, summary.frames, summary.sources) == (7, 0, 0)
        assert_same(content(gallery), before)
        assert gallery.progress()[footage[0]].mtime == os.stat(footage[0]).st_mtime_ns


@pytest.mark.parametrize('stop', [1, 2, 5, 9, 10])
def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path, footage, stop):
    calls = []

    def find_until(images):
        calls.append(len(images))
        if len(calls) > stop:
            raise KeyboardInterrupt
        return find(images)

    with opened(tmp_path, 'whole.mmps') as whole, opened(tmp_path) as gallery:
        index(whole, find, footage, SETTINGS)
        with pytest.raises(KeyboardInterrupt):
            index(gallery, find_until, footage, SETTINGS)
        stored = len(content(gallery))
        assert 0 < stored < len(content(whole))
        seen = sum(calls[:-1])
        summary = index(gallery, find, footage, SETTINGS)
        assert summary.frames == 48 - seen
        assert_same(content(gallery), content(whole))
        assert gallery.progress() == whole.progress()


def test_a_file_that_changed_is_indexed_again(tmp_path, footage):
    with opened(tmp_path) as gallery, opened(tmp_path, 'new.mmps') as new:
        index(gallery, find, footage, SETTINGS)
        write_video(footage[0], 40, first=60)
        summary = index(gallery, find, footage, SETTINGS)
        assert (summary.sources, summary.unchanged) == (1, 6)
        index(new, find, footage, SETTINGS)
        there = Where(sources=[footage[0]])
        assert_same(Rows.joined(gallery.rows(there, vectors=True)),
                    Rows.joined(new.rows(there, vectors=True)))  # fmt: skip
        assert gallery.count() == new.count()


def test_other_settings_replace_what_was_seen_with_former_ones(tmp_path, footage):
    with opened(tmp_path) as gallery, opened(tmp_path, 'new.mmps') as new:
        index(gallery, find, footage, SETTINGS)
        other = replace(SETTINGS, every=0.5, places=Places(camera='north', start=1000.0))
        index(gallery, find, footage, other)
        index(new, find, footage, other)
        assert_same(content(gallery), content(new))
        assert {*content(gallery).camera} == {'north'}
        assert content(gallery).time.min() == 1000.0


def test_copies_are_indexed_once_and_moved_files_again(tmp_path, footage):
    copy = tmp_path / 'copy.mp4'
    copy.write_bytes(Path(footage[0]).read_bytes())
    with opened(tmp_path) as gallery:
        summary = index(gallery, find, [*footage, str(copy)], SETTINGS)
        assert summary.copies == {str(copy): footage[0]}
        assert str(copy) not in {*content(gallery).source}
        count = gallery.count()
        os.rename(footage[0], tmp_path / 'moved.mp4')
        copy.unlink()
        index(gallery, find, [str(tmp_path / 'moved.mp4')], SETTINGS)
        assert gallery.count() == count
        assert footage[0] not in {*content(gallery).source}


def test_what_cannot_be_read_is_noted_and_the_rest_indexed(tmp_path, footage):
    bad = {
        'empty.mp4': b'',
        'text.jpg': b'this is no image',
        'cut.png': Path(footage[1]).read_bytes()[:40],
        'cut.mp4': Path(footage[0]).read_bytes()[:5000],
    }
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in bad]
    with opened(tmp_path) as gallery:
        summary = index(gallery, find, [*paths, *footage, str(tmp_path / 'none.jpg')], SETTINGS)
        assert {*summary.problems} == {*paths, str(tmp_path / 'none.jpg')}
        assert all(path in sentence for path, sentence in summary.problems.items())
        assert {*content(gallery).source} == {*footage}
        again = index(gallery, None, [*paths, *footage], SETTINGS)
        assert {*again.problems} == {*paths}
        assert again.sources == 0


def test_bad_settings_are_refused_before_work_begins(tmp_path, footage):
    os.rename(footage[0], tmp_path / '20269999.mp4')
    settings = Settings(places=Places.of(names='{start:%Y%m%d}.mp4'))
    with opened(tmp_path) as gallery:
        with pytest.raises(DataError, match='no time'):
            index(gallery, find, [footage[6], str(tmp_path / '20269999.mp4')], settings)
        assert gallery.count() == 0


def test_a_folder_of_frames_is_one_video(tmp_path):
    folder = tmp_path / 'frames'
    folder.mkdir()
    for number in range(6):
        cv2.imwrite(str(folder / f'{number}.png'), np.full((40, 30, 3), 10 * number + 5, np.uint8))
    settings = Settings(every=0, min_score=0.0, batch_size=4, frame_rate=2.0)
    with open_gallery(tmp_path / 'a.mmps', model=MODEL, mode='w') as gallery:
        summary = index(gallery, find, [str(folder)], settings)
        assert (summary.sources, summary.frames, summary.problems) == (1, 6, {})
        rows = Rows.joined(gallery.rows())
        assert {*rows.source} == {str(folder)}
        assert {*zip(rows.frame.tolist(), rows.time.tolist(), strict=True)} == {
            (n, n / 2) for n in range(6)
        }
        assert index(gallery, find, [str(folder)], settings).unchanged == 1
        # Another rate gives other times; another image gives other people.
        index(gallery, find, [str(folder)], replace(settings, frame_rate=4.0))
        assert Rows.joined(gallery.rows()).time.max() == 5 / 4
        cv2.imwrite(str(folder / '6.png'), np.full((40, 30, 3), 99, np.uint8))
        assert index(gallery, find, [str(folder)], settings).frames == 7
        assert gallery.count() == summary.people + 99 % 4 + 1
