from __future__ import annotations

import pytest
from PIL import ExifTags
from PIL import Image as PillowImage

from mmps.datasets.converters.log import ConversionLog
from mmps.datasets.converters.records import Image, Split
from mmps.datasets.converters.sizes import measure, no_progress, without_repeats
from mmps.structures import DataError


def test_measuring_reads_sizes(tmp_path, make_image):
    make_image(tmp_path / 'a/1.jpg', (31, 17))
    split = measure(tmp_path, Split('train', [Image('a/1.jpg')]), ConversionLog(), no_progress)
    assert split.images[0].size == (31, 17)


def test_no_image_at_all_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"none of the 1 images of 'train' can be read"):
        measure(tmp_path, Split('train', [Image('a.jpg')]), ConversionLog(), no_progress)


def test_a_size_is_measured_after_the_rotation_of_exif(tmp_path, make_image):
    path, exif = make_image(tmp_path / '1.jpg', (31, 17)), PillowImage.Exif()
    exif[ExifTags.Base.Orientation] = 6
    PillowImage.open(path).save(path, exif=exif)
    split = measure(tmp_path, Split('train', [Image('1.jpg')]), ConversionLog(), no_progress)
    assert split.images[0].size == (17, 31)


@pytest.mark.parametrize('limit', [1, 300])  # an error of Pillow, a warning of it
@pytest.mark.filterwarnings('error')
def test_pillows_limit_does_not_count(tmp_path, make_image, monkeypatch, limit):
    make_image(tmp_path / '1.jpg', (31, 17))
    monkeypatch.setattr(PillowImage, 'MAX_IMAGE_PIXELS', limit)
    split = measure(tmp_path, Split('train', [Image('1.jpg')]), ConversionLog(), no_progress)
    assert split.images[0].size == (31, 17)


def test_repeats_are_left_out_with_a_warning(tmp_path):
    log = ConversionLog()
    images = [Image('a.jpg', camera_id=1), Image('a.jpg', camera_id=2)]
    assert without_repeats(images, tmp_path / 'list', log) == images[:1]
    assert 'lists a.jpg again; the later entry is left out' in log.lines[0]
