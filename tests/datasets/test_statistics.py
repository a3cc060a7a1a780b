from __future__ import annotations

from mmps.datasets.statistics import statistics
from mmps.formats.annotations import unify
from mmps.formats.reading import Reading


def test_counts():
    def person(image_id, height, person_id, **more):
        return {'image_id': image_id, 'bbox': [0, 0, 1, height], 'person_id': person_id, **more}

    content = {
        'images': [{'id': k} for k in (1, 2, 3)],
        'annotations': [
            person(1, 10, 4),
            person(1, 20, 4),
            person(2, 30, 4),
            person(2, 40, 9),
            person(2, 50, -1),
            person(2, 60, 5555),
            person(2, 70, 4, iscrowd=1),
        ],
    }
    found = statistics(unify(content, Reading((5555,))))
    assert found.heights.tolist() == [10, 20, 30, 40, 50, 60]
    assert found.boxes_per_image.tolist() == [2, 4, 0]
    assert found.appearances.tolist() == [2, 1]


def test_people_alone_count():
    def box(person_id, **more):
        return {'image_id': 1, 'bbox': [0, 0, 1, 9], 'category_id': 1, 'pid': person_id, **more}

    content = {
        'images': [{'id': 1}],
        'annotations': [box(3), box(-2), box(4, category_id=2), box(5, ignore=1)],
        'categories': [{'id': 1, 'name': 'Pedestrian'}, {'id': 2, 'name': 'car'}],
    }
    found = statistics(unify(content))
    assert found.boxes_per_image.tolist() == [2]
    assert found.appearances.tolist() == [1]


def test_an_empty_file():
    found = statistics(unify({'images': [], 'annotations': []}))
    assert (len(found.heights), len(found.boxes_per_image), len(found.appearances)) == (0, 0, 0)
