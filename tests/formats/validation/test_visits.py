from __future__ import annotations

import pytest

from mmps.formats.validation import validate


def content(visits, query):
    """Person 5 in both images, person 6 in the second; cameras 1 and 2 where two are wanted."""
    images = [
        {'id': k, 'file_name': f'{k}.png', 'width': 60, 'height': 40, 'camera_id': 1}
        for k in (1, 2)
    ]
    people = [(1, 5, 1), (2, 5, 3), (2, 6, 30)]
    annotations = [
        {'id': k, 'image_id': i, 'category_id': 1, 'bbox': [x, 2, 10, 20], 'person_id': p, **visit}
        for k, ((i, p, x), visit) in enumerate(zip(people, visits, strict=True), start=1)
    ]
    queries = [{'image_id': 1, 'bbox': [1, 2, 10, 20], 'person_id': 5, 'camera_id': 1, **query}]
    return {
        'images': images,
        'annotations': annotations,
        'categories': [{'id': 1, 'name': 'person'}],
        'queries': queries,
    }


def visits(*numbers):
    return [{} if number is None else {'visit': number} for number in numbers]


CASES = {
    'one visit': ((7, 7, 8), 7, 1, []),
    'two visits': ((7, 9, 8), 7, 1, []),
    'unknown': ((None, None, None), None, 1, []),
    'negative is unknown': ((-1, -1, -1), -1, 1, []),
    'two people': ((7, 7, 7), 7, 1, [('a visit has two people', True)]),
    'two cameras': ((7, 7, 8), 7, 2, [('a visit has two cameras', True)]),
    'another query': ((7, 9, 8), 11, 1, [("a query's visit is not that of its box", True)]),
    'some': ((7, 7, None), 7, 1, [('some people have no visit', False)]),
}


@pytest.mark.parametrize('case', CASES, ids=str)
def test_a_visit_is_of_one_person_before_one_camera(case):
    numbers, query, camera, expected = CASES[case]
    said = content(visits(*numbers), visits(query)[0])
    said['images'][1]['camera_id'] = camera
    problems = [p for p in validate(said) if 'visit' in p.kind]
    assert len(problems) == len(expected)
    for problem, (kind, is_error) in zip(problems, expected, strict=True):
        assert kind in problem.kind
        assert problem.is_error == is_error
