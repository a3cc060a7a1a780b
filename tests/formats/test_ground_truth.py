from __future__ import annotations

import json

import numpy as np
import pytest

from mmps.evaluation import NO_CAMERA, GroundTruth
from mmps.formats.ground_truth import NO_VISIT, find_positions
from mmps.structures import UNLABELLED, DataError


@pytest.fixture
def content():
    return {
        'images': [
            {'id': 30, 'file_name': 'b.jpg', 'camera_id': 2},
            {'id': 10, 'file_name': 'a.jpg', 'camera_id': None},
        ],
        'annotations': [
            {'id': 1, 'image_id': 10, 'bbox': [1.5, 2, 3, 4], 'person_id': 5},
            {'id': 0, 'image_id': 30, 'bbox': [0, 0, 2, 2]},
            {'id': 7, 'image_id': 10, 'bbox': [0, 0, 9, 9], 'person_id': -1, 'iscrowd': 1},
        ],
        'queries': [{'image_id': 30, 'bbox': [1, 1, 2, 2], 'person_id': 5}],
    }


def load(tmp_path, content, **options):
    path = tmp_path / 'test.json'
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return GroundTruth.load(path, **options)


def test_reads_visits(tmp_path, content):
    ground_truth = load(tmp_path, content)
    assert ground_truth.visits.tolist() == [NO_VISIT] * 3
    content['annotations'][0]['visit'], content['annotations'][2]['visit'] = 4.0, -3
    content['queries'][0]['visit'] = 6
    ground_truth = load(tmp_path, content)
    assert ground_truth.visits.tolist() == [4, NO_VISIT, NO_VISIT]
    assert ground_truth.query_visits.tolist() == [6]
    content['queries'][0]['visit'] = 'morning'
    with pytest.raises(DataError, match='visit'):
        load(tmp_path, content)


def test_reads_positions_and_corners(tmp_path, content):
    ground_truth = load(tmp_path, content)
    assert ground_truth.image_ids.tolist() == [30, 10]
    assert ground_truth.images.tolist() == [1, 0, 1]
    assert ground_truth.bboxes.tolist() == [[1.5, 2, 4.5, 6], [0, 0, 2, 2], [0, 0, 9, 9]]
    assert ground_truth.person_ids.tolist() == [5, UNLABELLED, UNLABELLED]
    assert ground_truth.ignored.tolist() == [False, False, True]
    assert ground_truth.image_cameras.tolist() == [2, NO_CAMERA]
    assert ground_truth.query_cameras.tolist() == [2]
    assert (ground_truth.num_images, ground_truth.num_annotations) == (2, 3)


def test_phase_1_data_has_no_queries(tmp_path, content):
    del content['queries']
    ground_truth = load(tmp_path, content)
    assert ground_truth.num_queries == 0
    assert ground_truth.query_bboxes.shape == (0, 4)


@pytest.mark.parametrize('key', ['person_id', 'pid', 'identity'])
def test_identities_in_every_spelling_that_the_data_set_reads(tmp_path, content, key):
    for record in (content['annotations'][0], content['queries'][0]):
        record[key] = record.pop('person_id')
    ground_truth = load(tmp_path, content)
    assert ground_truth.person_ids.tolist() == [5, UNLABELLED, UNLABELLED]
    assert ground_truth.query_person_ids.tolist() == [5]


def test_markers_of_unknown_people(tmp_path, content):
    content['annotations'][1]['pid'] = 5555
    assert load(tmp_path, content).person_ids.tolist() == [5, 5555, UNLABELLED]
    ground_truth = load(tmp_path, content, unlabelled_ids=[5555])
    assert ground_truth.person_ids.tolist() == [5, UNLABELLED, UNLABELLED]
    with pytest.raises(DataError, match='query has no identity'):
        load(tmp_path, content, unlabelled_ids=[5])


def change(content, where, **values):
    part, index = where
    content[part][index].update(values)
    return content


@pytest.mark.parametrize(
    ('where', 'values', 'message'),
    [
        (('images', 1), {'id': 30}, r'an id occurs twice: images\[1\] \(id 30\)'),
        (('annotations', 1), {'id': 1}, r'an id occurs twice: annotations\[1\] \(id 1\)'),
        (('images', 0), {'id': None}, r"'id' has a wrong value: images\[0\]"),
        (('annotations', 0), {'image_id': 9}, r'no image .* annotations\[0\] \(9\)'),
        (('queries', 0), {'image_id': 9}, r'no image .* queries\[0\] \(9\)'),
        (('queries', 0), {'person_id': -1}, r'a query has no identity: queries\[0\]'),
        (('annotations', 2), {'bbox': [1, 2, 3]}, r'annotations\[2\] .* four finite numbers'),
        (('queries', 0), {'bbox': [1, 2, 3, float('nan')]}, r'queries\[0\] .* four finite numbers'),
        (('annotations', 1), {'bbox': [5, 5, 0, 9]}, r'no area: annotations\[1\] \(\[5, 5, 0'),
        (('annotations', 2), {'bbox': [5, 5, 3, -1]}, r'no area: annotations\[2\]'),
        (('queries', 0), {'bbox': [1, 1, 2, 0]}, r'no area: queries\[0\]'),
        (('images', 0), {'id': 10**30}, r'images\[0\] .* beyond 64 bits'),
        (('annotations', 0), {'image_id': [30]}, r'\[30\] is not a whole number'),
        (('annotations', 0), {'person_id': 'Ann'}, "'Ann' is not a whole number"),
        (('images', 0), {'camera_id': 'c1'}, "'c1' is not a whole number"),
    ],
)
def test_wrong_content(tmp_path, content, where, values, message):
    with pytest.raises(DataError, match=rf'test\.json: .*{message}'):
        load(tmp_path, change(content, where, **values))


@pytest.mark.parametrize(
    'text', ['{"images": [', '[]', '{"images": []}', '\0', '[' * 10**6], ids=lambda t: t[:14]
)
def test_not_an_annotation_file(tmp_path, text):
    with pytest.raises(DataError, match=r'test\.json(:.*| is) no (JSON|COCO-style)'):
        load(tmp_path, text)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match=r'no\.json does not exist'):
        GroundTruth.load(tmp_path / 'no.json')


def test_positions_of_images(tmp_path, content):
    ground_truth = load(tmp_path, content)
    assert ground_truth.image_positions(np.array([10, 30, 10]), 'x').tolist() == [1, 0, 1]
    with pytest.raises(DataError, match='x names image id 31'):
        ground_truth.image_positions(np.array([10, 31]), 'x')


@pytest.mark.parametrize('scale', [1, 2**40], ids=['table', 'bisection'])
def test_equals_a_dictionary(scale):
    for seed in range(5):
        generator = np.random.default_rng(seed)
        ids = (generator.permutation(30)[:12] - 5) * scale
        wanted = generator.integers(-10, 40, size=50) * scale
        position = {value: index for index, value in enumerate(ids.tolist())}
        expected = [position.get(value, -1) for value in wanted.tolist()]
        assert find_positions(ids, wanted).tolist() == expected


def test_no_ids():
    assert find_positions(np.zeros(0, np.int64), np.array([3])).tolist() == [-1]
