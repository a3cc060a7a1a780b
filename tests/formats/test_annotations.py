from __future__ import annotations

import copy
import json

import pytest

from mmps.formats.annotations import PICTURE_KEYS, read_annotations
from mmps.structures import DataError

GOOD = {
    'images': [{'id': 'a'}, {'id': 2}],
    'annotations': [
        {'image_id': 2, 'bbox': [1, 2.5, 3, 4]},
        {'image_id': 2, 'bbox': [1, 2, 3, 4], 'pid': None},
    ],
    'queries': [{'image_id': 2, 'bbox': [1, 2, 3, 4], 'identity': 7}],
}


def read(tmp_path, content, *keys):
    path = tmp_path / 'test.json'
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_annotations(path, *keys)


def test_a_good_file_comes_back(tmp_path):
    assert read(tmp_path, GOOD) == GOOD
    without = {key: GOOD[key] for key in ('images', 'annotations')}
    assert read(tmp_path, without) == without


@pytest.mark.parametrize('content', ['5', '"text"', 'null', '[]', '{"images": []}'])
def test_what_has_no_lists(tmp_path, content):
    with pytest.raises(DataError, match=r'test\.json has no lists .*: it is no COCO-style'):
        read(tmp_path, content)


@pytest.mark.parametrize('part', GOOD)
@pytest.mark.parametrize('value', [None, {}, 3])
def test_parts_are_lists(tmp_path, part, value):
    with pytest.raises(DataError, match=rf"test\.json has no lists \['{part}'\]"):
        read(tmp_path, {**GOOD, part: value})


def test_json_without_an_end_of_its_depth(tmp_path):
    with pytest.raises(DataError, match=r'test\.json is no JSON'):
        read(tmp_path, '[' * 10**6)


@pytest.mark.parametrize(
    ('part', 'key', 'value'),
    [
        ('images', 'id', None),
        ('images', 'id', [3]),
        ('annotations', 'image_id', None),
        ('annotations', 'image_id', {}),
        ('annotations', 'bbox', None),
        ('annotations', 'bbox', [1, 2, 3]),
        ('annotations', 'bbox', [1, 2, 3, 'x']),
        ('annotations', 'bbox', [1, 2, 3, float('nan')]),
        ('annotations', 'person_id', 'x'),
        ('annotations', 'person_id', [1]),
        ('queries', 'image_id', None),
        ('queries', 'bbox', [1]),
        ('queries', 'person_id', float('inf')),
    ],
)
def test_a_wrong_field_is_named_with_its_place(tmp_path, part, key, value):
    content = copy.deepcopy(GOOD)
    content[part][-1][key] = value
    place = rf'test\.json: {part}\[{len(content[part]) - 1}\]'
    with pytest.raises(DataError, match=f"{place} has no valid '{key}'; .*validate_dataset"):
        read(tmp_path, content)


@pytest.mark.parametrize('part', GOOD)
def test_entries_are_objects(tmp_path, part):
    with pytest.raises(DataError, match=rf'{part}\[0\] has no valid'):
        read(tmp_path, {**GOOD, part: [3]})


def test_pictures_need_a_name_and_a_size(tmp_path):
    image = {'id': 1, 'file_name': 'a.jpg', 'width': 3, 'height': 4}
    content = {'images': [image], 'annotations': []}
    assert read(tmp_path, content, PICTURE_KEYS) == content
    for key in PICTURE_KEYS[1:]:
        without = {name: value for name, value in image.items() if name != key}
        with pytest.raises(DataError, match=rf"images\[0\] has no valid '{key}'"):
            read(tmp_path, {**content, 'images': [without]}, PICTURE_KEYS)
