from __future__ import annotations

import copy
import json

import pytest

from mmps.formats.annotations import IMAGE_KEYS, in_our_spelling, read_annotations, unify
from mmps.formats.reading import Reading
from mmps.structures import UNLABELLED, DataError

GOOD = {
    'images': [{'id': 1}, {'id': 2}],
    'annotations': [
        {'image_id': 2, 'bbox': [1, 2.5, 3, 4]},
        {'image_id': 2, 'bbox': [1, 2, 3, 4], 'pid': None},
    ],
    'queries': [{'image_id': 2, 'bbox': [1, 2, 3, 4], 'identity': 7}],
}


def read(tmp_path, content, *arguments):
    path = tmp_path / 'test.json'
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_annotations(path, *arguments)


def test_what_a_good_file_says(tmp_path):
    said = read(tmp_path, GOOD)
    assert [image['id'] for image in said.images] == [1, 2]
    assert said.by_image() == {1: [], 2: [0, 1]}
    assert said.bboxes == [[1, 2.5, 3, 4], [1, 2, 3, 4]]
    assert said.person_ids == [UNLABELLED, UNLABELLED]
    assert (said.people, said.ignored) == ([True, True], [False, False])
    assert said.queries == [
        {'image_id': 2, 'bbox': [1, 2, 3, 4], 'person_id': 7, 'camera_id': None}
    ]
    assert read(tmp_path, {key: GOOD[key] for key in ('images', 'annotations')}).queries == []


@pytest.mark.parametrize('content', ['5', '"text"', 'null', '[]', '{"images": []}'])
def test_what_has_no_lists(tmp_path, content):
    with pytest.raises(DataError, match=r'test\.json: .*: it is no COCO-style annotation file'):
        read(tmp_path, content)


@pytest.mark.parametrize('part', GOOD)
@pytest.mark.parametrize('value', [None, {}, 3])
def test_parts_are_lists(tmp_path, part, value):
    with pytest.raises(DataError, match=rf"test\.json: '{part}' is not a list"):
        read(tmp_path, {**GOOD, part: value})


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
        ('annotations', 'bbox', [1, 2, 3, True]),
        ('annotations', 'bbox', [1, 2, 3, 10**400]),
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
    place = rf'{part}\[{len(content[part]) - 1}\]'
    with pytest.raises(DataError, match=f"test.json: the field '{key}' .*: {place}.*; .*validate_"):
        read(tmp_path, content)


@pytest.mark.parametrize('part', GOOD)
def test_entries_are_objects(tmp_path, part):
    with pytest.raises(DataError, match=rf'not a JSON object: {part}\[0\]'):
        read(tmp_path, {**GOOD, part: [3]})


def test_images_need_a_name_and_a_size(tmp_path):
    image = {'id': 1, 'file_name': 'a.jpg', 'width': 3.0, 'height': 4}
    content = {'images': [image], 'annotations': []}
    (read_image,) = read(tmp_path, content, None, IMAGE_KEYS).images
    assert read_image == {**image, 'camera_id': None}
    assert isinstance(read_image['width'], int)
    for key in IMAGE_KEYS[1:]:
        without = {name: value for name, value in image.items() if name != key}
        with pytest.raises(DataError, match=rf"the field '{key}' is missing: images\[0\]"):
            read(tmp_path, {**content, 'images': [without]}, None, IMAGE_KEYS)


def test_a_file_in_our_spelling_says_the_same_without_options():
    reading = Reading((5555,), 'attributes.track_id', ('walker',))
    content = {
        'info': 'kept',
        'images': [{'id': 4.0, 'file_name': 'a.jpg', 'cam_id': 3.0}],
        'annotations': [
            {'image_id': 4, 'bbox': [1, 2, 3, 4], 'category_id': 1, **more}
            for more in (
                {'attributes': {'track_id': 7.0}, 'pid': 9},
                {'identity': 5555},
                {'pid': 3, 'is_known': False},
                {'pid': 3, 'ignore': True},
                {'category_id': 2, 'pid': 8},
                {'category_id': 3},
                {'person_id': -2, 'visit': 4},
            )
        ],
        'queries': [{'image_id': 4, 'bbox': [1, 2, 3, 4], 'pid': 7, 'cam_id': 3}],
        'categories': [
            {'id': 1, 'name': 'Walker'},
            {'id': 2, 'name': 'car'},
            {'id': 3, 'name': 'ignored regions'},
        ],
    }
    before = copy.deepcopy(content)
    ours = in_our_spelling(content, reading)
    assert content == before
    assert ours['info'] == 'kept'
    assert [a['person_id'] for a in ours['annotations']] == [7, -1, -1, -1, -1, -1]
    assert [a['iscrowd'] for a in ours['annotations']] == [0, 0, 0, 1, 1, 0]
    assert ours['annotations'][-1]['visit'] == 4
    assert not any({'pid', 'ignore', 'is_known'} & set(a) for a in ours['annotations'])
    assert ours['images'] == [{'id': 4, 'file_name': 'a.jpg', 'camera_id': 3}]
    assert ours['queries'] == [
        {'image_id': 4, 'bbox': [1, 2, 3, 4], 'person_id': 7, 'camera_id': 3}
    ]
    said, again = unify(content, reading), unify(ours)
    assert [i for i, k in zip(said.person_ids, said.people, strict=True) if k] == [
        i for i, k in zip(again.person_ids, again.people, strict=True) if k
    ]
