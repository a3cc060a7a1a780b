from __future__ import annotations

import json

import pytest

from mmps.datasets.converters import crowdhuman, wider_pedestrian
from mmps.datasets.converters.finding import ImageFinder, find_images
from mmps.datasets.converters.log import ConversionLog
from mmps.structures import DataError


def test_images_are_found_at_any_depth(tmp_path, make_image):
    for name in ('b/c/1.jpg', 'a/1.jpg', '2.JPG'):
        make_image(tmp_path / name)
    assert find_images(tmp_path) == {'2.JPG': ['2.JPG'], '1.jpg': ['a/1.jpg', 'b/c/1.jpg']}


def test_images_of_all_formats_are_found(tmp_path):
    for name in ('1.webp', '2.TIFF', '3.avif', 'notes.txt', 'labels.json', '4.pdf'):
        (tmp_path / name).touch()
    assert sorted(find_images(tmp_path)) == ['1.webp', '2.TIFF', '3.avif']


@pytest.mark.parametrize(
    ('paths', 'taken'),
    [
        (['backup/1.jpg', 'train/1.jpg'], 'train/1.jpg'),
        (['a/1.jpg', 'sur_train/1.jpg'], 'sur_train/1.jpg'),
        (['1.jpg', 'CrowdHuman_train01/Images/1.jpg'], 'CrowdHuman_train01/Images/1.jpg'),
        (['backup/train/1.jpg', 'train/1.jpg'], 'train/1.jpg'),
        (['a/trainer/1.jpg', 'b/1.jpg'], 'b/1.jpg'),
        (['b/1.jpg', 'a/1.jpg'], 'a/1.jpg'),
        ([], 'nowhere'),
    ],
)
def test_the_folder_of_the_split_counts_then_the_nearest(paths, taken):
    assert ImageFinder({'1.jpg': paths}, 'train').locate('1.jpg', 'nowhere') == taken


def wider(root):
    (root / 'train_annotations.txt').write_text('img00001.jpg 1 1 2 3 4\nimg00002.jpg\n')
    return wider_pedestrian, ['img00001.jpg', 'img00002.jpg']


def crowd(root):
    (root / 'annotation_train.odgt').write_text(json.dumps({'ID': '1,a', 'gtboxes': []}))
    return crowdhuman, ['1,a.jpg']


@pytest.mark.parametrize('write', [wider, crowd])
def test_copies_elsewhere_are_told_once_and_not_taken(tmp_path, make_image, write):
    module, names = write(tmp_path)
    for name in names:
        make_image(tmp_path / 'train' / name)
    log = ConversionLog()
    assert module.parse(tmp_path, log).splits[0].images[0].file_name == f'train/{names[0]}'
    assert not any('more than once' in line for line in log.lines)
    for name in names:
        make_image(tmp_path / 'backup' / name, (6, 5))
    (split,) = module.parse(tmp_path, log).splits
    assert [image.file_name for image in split.images] == [f'train/{name}' for name in names]
    sentence = (
        f"warning: {len(names)} images of 'train' are there more than once, such as "
        f'train/{names[0]}, which is used, and backup/{names[0]}: '
        'move the copies out of the folder'
    )
    assert log.lines.count(sentence) == 1


def test_copies_are_an_error_where_the_log_is_strict():
    finder = ImageFinder({'1.jpg': ['a/1.jpg', 'b/1.jpg']}, 'val')
    finder.locate('1.jpg', '')
    with pytest.raises(DataError, match="1 images of 'val' are there more than once"):
        finder.report(ConversionLog(strict=True))
