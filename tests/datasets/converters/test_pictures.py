from __future__ import annotations

import pytest

from mmps.datasets.converters.log import ConversionLog
from mmps.datasets.converters.pictures import find_pictures, measure, no_progress, without_repeats
from mmps.datasets.converters.records import Image, Split
from mmps.structures import DataError


def test_measuring_reads_sizes(tmp_path, make_picture):
    make_picture(tmp_path / 'a/1.jpg', (31, 17))
    split = measure(tmp_path, Split('train', [Image('a/1.jpg')]), ConversionLog(), no_progress)
    assert split.images[0].size == (31, 17)


def test_no_picture_at_all_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"none of the 1 pictures of 'train' can be read"):
        measure(tmp_path, Split('train', [Image('a.jpg')]), ConversionLog(), no_progress)


def test_pictures_are_found_at_any_depth(tmp_path, make_picture):
    make_picture(tmp_path / 'b/c/1.jpg')
    make_picture(tmp_path / 'a/1.jpg')
    make_picture(tmp_path / '2.JPG')
    assert find_pictures(tmp_path) == {'2.JPG': '2.JPG', '1.jpg': 'a/1.jpg'}


def test_repeats_are_left_out_with_a_warning(tmp_path):
    log = ConversionLog()
    images = [Image('a.jpg', camera_id=1), Image('a.jpg', camera_id=2)]
    assert without_repeats(images, tmp_path / 'list', log) == images[:1]
    assert 'lists a.jpg again; the later entry is left out' in log.lines[0]
