from __future__ import annotations

import pytest

from mmps.datasets.converters.log import ConversionLog
from mmps.datasets.converters.wider_pedestrian import find_release, parse
from mmps.structures import DataError

FILES_2019 = {
    'Annotations/train_bbox.txt': (
        'sur00001.jpg 1 2 3 4 5 6 7 8\nad00002.jpg\nad00003.jpg 9 8 7 6\n'
    ),
    'Annotations/val_bbox.txt': 'sur00009.jpg 1 2 3 4\n',
    'Annotations/val_list.txt': 'sur00009.jpg\nsur00010.jpg\n',
    'Annotations/val_ignore.txt': 'sur00009.jpg 5 5 5 5\nsur00077.jpg 1 1 1 1\n',
}


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.fixture
def release_2019(tmp_path, make_image):
    write(tmp_path, FILES_2019)
    for name in ('sur_train/sur00001.jpg', 'ad_train/ad_01/ad00002.jpg', 'val_data/sur00009.jpg'):
        make_image(tmp_path / name)
    return tmp_path


def test_the_release_of_2019(release_2019):
    log = ConversionLog()
    parsed = parse(release_2019, log)
    train, val = parsed.splits
    assert {image.file_name: [p.bbox for p in image.people] for image in train.images} == {
        'sur_train/sur00001.jpg': [(1, 2, 3, 4), (5, 6, 7, 8)],
        'ad_train/ad_01/ad00002.jpg': [],
        'train/ad00003.jpg': [(9, 8, 7, 6)],
    }
    assert [image.file_name for image in val.images] == [
        'val_data/sur00009.jpg',
        'val/sur00010.jpg',
    ]
    assert [(p.bbox, p.ignore) for p in val.images[0].people] == [
        ((1, 2, 3, 4), False),
        ((5, 5, 5, 5), True),
    ]
    assert parsed.official_counts == {'val': {'images': 5000, 'boxes': 20052}}
    assert any('sur00077.jpg' in line for line in log.lines)
    assert any("no file of ignore regions of 'train'" in line for line in log.lines)


def test_cyclists_are_people_unless_told_otherwise(tmp_path):
    write(tmp_path, {'train_annotations.txt': 'img00001.jpg 1 1 2 3 4 2 5 6 7 8\n'})
    people = parse(tmp_path, ConversionLog()).splits[0].images[0].people
    assert [person.ignore for person in people] == [False, False]
    parsed = parse(tmp_path, ConversionLog(), ignore_cyclists=True)
    assert [person.ignore for person in parsed.splits[0].images[0].people] == [False, True]


@pytest.mark.parametrize(
    ('lines', 'year'),
    [
        ('img00001.jpg' + ' 1 2 3 4 5' * 4, 2018),
        ('sur00001.jpg' + ' 1 2 3 4' * 5, 2019),
        ('img00001.jpg\nimg00002.jpg', 2018),
        ('ad00001.jpg\nsur00002.jpg 1 2 3 4', 2019),
        ('img00001.jpg 1 2 3 4 5\n' * 9 + 'img1.jpg broken', 2018),
    ],
)
@pytest.mark.parametrize('name', ['train_annotations.txt', 'Annotations/train_bbox.txt'])
def test_releases_are_told_apart_by_content_not_by_name(tmp_path, lines, year, name):
    write(tmp_path, {name: lines})
    assert find_release(tmp_path)[1].year == year


@pytest.mark.parametrize(
    'text',
    ['0_Parade/0_Parade_1.jpg\n1\n5 5 5 5', 'img1.jpg 1 2 3', '{"images": []}', '# a.jpg\n1 2'],
)
def test_neither_release_is_refused(tmp_path, text):
    write(tmp_path, {'train_annotations.txt': text})
    with pytest.raises(DataError, match='is of neither release of WIDER Pedestrian'):
        parse(tmp_path, ConversionLog())


def test_an_image_that_is_listed_twice_keeps_all_boxes(tmp_path):
    write(tmp_path, {'train_annotations.txt': 'img1.jpg 1 1 2 3 4\nimg1.jpg 1 5 6 7 8\n'})
    log = ConversionLog()
    (image,) = parse(tmp_path, log).splits[0].images
    assert len(image.people) == 2
    assert any('lists img1.jpg a second time' in line for line in log.lines)
