from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from mmps.formats.validation import Problem, report, validate


def good():
    """Two images, one person in both, one unlabelled person, one query."""
    images = [
        {'id': k, 'file_name': f'a/{k}.png', 'width': 60, 'height': 40, 'camera_id': 1}
        for k in (1, 2)
    ]
    annotations = [
        {'id': 1, 'image_id': 1, 'category_id': 1, 'bbox': [1, 2, 10, 20], 'person_id': 5},
        {'id': 2, 'image_id': 2, 'category_id': 1, 'bbox': [3.5, 2, 10, 20], 'person_id': 5},
        {'id': 3, 'image_id': 2, 'category_id': 1, 'bbox': [30, 2, 10, 20], 'person_id': -1},
    ]
    return {
        'images': images,
        'annotations': annotations,
        'categories': [{'id': 1, 'name': 'person'}],
        'queries': [{'image_id': 1, 'bbox': [1, 2, 10, 20], 'person_id': 5, 'camera_id': 1}],
    }


def set_value(part, k, key, value):
    def change(content):
        content[part][k][key] = value

    return change


def drop(part, k=None, key=None):
    def change(content):
        if key is None:
            del content[part]
        else:
            del content[part][k][key]

    return change


ERRORS = {
    'no images': (drop('images'), "there is no list 'images'"),
    'no categories': (drop('categories'), "there is no list 'categories'"),
    'images no list': (lambda c: c.update(images={}), "'images' is not a list"),
    'entry no object': (lambda c: c['images'].append(3), 'an entry is not a JSON object'),
    'no width': (drop('images', 0, 'width'), "the field 'width' is missing"),
    'zero width': (set_value('images', 0, 'width', 0), "the field 'width' has a wrong value"),
    'text id': (set_value('images', 0, 'id', '1'), "the field 'id' has a wrong value"),
    'boolean id': (set_value('images', 0, 'id', True), "the field 'id' has a wrong value"),
    'empty name': (set_value('images', 0, 'file_name', ' '), "'file_name' has a wrong value"),
    'three numbers': (set_value('annotations', 0, 'bbox', [1, 2, 3]), "'bbox' has a wrong value"),
    'NaN': (set_value('annotations', 0, 'bbox', [1, 2, 3, np.nan]), "'bbox' has a wrong value"),
    'no box': (drop('annotations', 0, 'bbox'), "the field 'bbox' is missing"),
    'text camera': (set_value('images', 0, 'camera_id', 'c1'), "'camera_id' has a wrong value"),
    'odd visit': (set_value('annotations', 0, 'visit', 0.5), "'visit' has a wrong value"),
    'odd camera': (set_value('queries', 0, 'camera_id', 1.5), "'camera_id' has a wrong value"),
    'image twice': (set_value('images', 1, 'id', 1), 'an id occurs twice'),
    'annotation twice': (set_value('annotations', 1, 'id', 1), 'an id occurs twice'),
    'lost annotation': (set_value('annotations', 0, 'image_id', 9), 'no image has this image_id'),
    'lost query': (set_value('queries', 0, 'image_id', 9), 'no image has this image_id'),
    'category': (set_value('annotations', 0, 'category_id', 9), 'no category has this'),
    'backslash': (set_value('images', 0, 'file_name', 'a\\1.png'), 'not a relative path'),
    'absolute': (set_value('images', 0, 'file_name', '/a/1.png'), 'not a relative path'),
    'upwards': (set_value('images', 0, 'file_name', '../1.png'), 'not a relative path'),
    'name twice': (set_value('images', 1, 'file_name', 'a/1.png'), 'a file_name occurs twice'),
    'no area': (set_value('annotations', 2, 'bbox', [1, 2, 0, 3]), 'a box has no area'),
    'outside': (set_value('annotations', 2, 'bbox', [60, 2, 9, 3]), 'a box is outside'),
    'odd id': (set_value('annotations', 2, 'person_id', 'Tom'), "'person_id' has a wrong value"),
    'ignored': (set_value('annotations', 0, 'iscrowd', 1), 'an ignore region has an identity'),
    'query of nobody': (set_value('queries', 0, 'person_id', -1), 'a query has no identity'),
    'query of another': (set_value('queries', 0, 'person_id', 6), 'who is not annotated in its'),
    'no match': (set_value('annotations', 1, 'person_id', -1), 'a query has no match in any other'),
}
WARNINGS = {
    'leaves': (set_value('annotations', 2, 'bbox', [55, 2, 10, 20]), 'a box leaves its image'),
    'twice': (set_value('annotations', 2, 'bbox', [3.5, 2, 10, 20]), 'occurs twice in its image'),
    'once': (set_value('annotations', 2, 'person_id', 8), 'in one image only'),
    'twins': (set_value('annotations', 2, 'person_id', 5), 'twice in one image'),
    'other box': (set_value('queries', 0, 'bbox', [30, 2, 10, 20]), 'is not that of its person'),
    'cameras': (set_value('images', 0, 'camera_id', None), 'have no camera_id and others do'),
}


def test_a_good_file_has_no_problem():
    assert validate(good()) == []


@pytest.mark.parametrize(('change', 'kind'), ERRORS.values(), ids=ERRORS)
def test_errors(change, kind):
    content = good()
    change(content)
    assert any(kind in problem.kind for problem in validate(content) if problem.is_error)


@pytest.mark.parametrize(('change', 'kind'), WARNINGS.values(), ids=WARNINGS)
def test_warnings(change, kind):
    content = good()
    change(content)
    problems = validate(content)
    assert any(kind in problem.kind for problem in problems)
    assert not any(problem.is_error for problem in problems)


@pytest.mark.parametrize('content', [[], 3, None, 'text'])
def test_no_object(content):
    (problem,) = validate(content)
    assert problem.kind == 'the file is not a JSON object'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'a').mkdir()
    for k in (1, 2):
        picture = np.full((40, 60, 3), 90 * k, np.uint8)
        Image.fromarray(picture).save(tmp_path / f'a/{k}.png')
    return tmp_path


def test_images(folder):
    assert validate(good(), folder) == []
    (folder / 'a/1.png').write_bytes(b'no image')
    Image.fromarray(np.zeros((41, 60, 3), np.uint8)).save(folder / 'a/2.png')
    kinds = {problem.kind: problem.where for problem in validate(good(), folder)}
    assert kinds == {
        'an image cannot be read': 'a/1.png',
        'an image has another size': 'a/2.png (file 60x41, annotation 60x40)',
    }
    (folder / 'a/1.png').unlink()
    assert any('an image is missing under' in p.kind for p in validate(good(), folder))


def test_images_that_two_splits_share(folder):
    other = good()
    other['images'][0]['file_name'] = 'b/7.png'
    (problem,) = validate(good(), None, other)
    assert (problem.kind, problem.where) == ('an image is in both files', 'a/2.png')
    (folder / 'b').mkdir()
    shutil.copy(folder / 'a/1.png', folder / 'b/7.png')
    places = {problem.where for problem in validate(good(), folder, other)}
    assert places == {'a/2.png', 'a/1.png and b/7.png'}


def test_absent_cameras_are_no_problem():
    content = good()
    for record in [*content['images'], *content['queries']]:
        record.pop('camera_id')
    assert validate(content) == []


def test_another_split_with_a_flaw_is_told_and_still_compared():
    other = good()
    other['images'][0].update(file_name='b/7.png', width='60')
    other['annotations'][1].pop('bbox')
    problems = validate(good(), None, other, other_name='train.json')
    assert [(problem.kind, problem.where) for problem in problems] == [
        (
            "the field 'width' has a wrong value",
            "train.json, images[0] (the text '60' is not a whole number above 0)",
        ),
        ("the field 'bbox' is missing", 'train.json, annotations[1]'),
        ('an image is in both files', 'a/2.png'),
    ]
    assert all(problem.is_error for problem in problems)


@pytest.mark.parametrize(
    ('other', 'expected'),
    [
        ([], 'the file is not a JSON object'),
        ({}, "there is no list 'images'"),
        ({'images': None}, "'images' is not a list"),
        ({'images': [3, {}, {'file_name': ['a/1.png']}]}, 'an entry is not a JSON object'),
    ],
)
def test_another_split_without_names_is_told(other, expected):
    problems = validate(good(), None, other)
    assert expected in [problem.kind for problem in problems]
    assert not any('in both files' in problem.kind for problem in problems)


def test_the_report_puts_errors_first_and_counts():
    problems = [Problem('odd', f'place {k}', is_error=False) for k in range(5)]
    problems += [Problem('wrong', 'there')]
    assert report(problems) == [
        'error: wrong: there',
        'warning: odd: place 0, place 1, place 2 and 2 more',
    ]
