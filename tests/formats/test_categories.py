from __future__ import annotations

import pytest

from mmps.formats.categories import find_categories


def roles(names, classes=None):
    found = find_categories([{'id': k, 'name': n} for k, n in enumerate(names)], classes)
    return sorted(found.people), sorted(found.ignored), bool(found.missing)


@pytest.mark.parametrize(
    ('names', 'classes', 'expected'),
    [
        ([], None, ([], [], False)),
        (['person'], None, ([0], [], False)),
        (['PERSONS', 'Person ', 'people', 'pedestrian', 'Pedestrians', 'car'], None,
         ([0, 1, 2, 3, 4], [], False)),
        (['personal computer', 'person'], None, ([1], [], False)),
        (['player'], None, ([0], [], False)),
        (['car', 'truck'], None, ([], [], True)),
        (['car', 'truck', 'ignore'], None, ([], [2], True)),
        (['player', 'ignore', 'Ignored Regions', "don't care", 'DontCare'], None,
         ([0], [1, 2, 3, 4], False)),
        (['ignore'], None, ([], [0], False)),
        (['car', 'truck'], ('CAR',), ([0], [], False)),
        (['person', 'rider'], ('rider',), ([1], [], False)),
        (['person', 'ignore'], ('ignore',), ([1], [], False)),
        (['person', 'car'], ('walker',), ([], [], True)),
        (['person', 'car'], ('person', 'walker'), ([0], [], True)),
    ],
)  # fmt: skip
def test_roles(names, classes, expected):
    assert roles(names, classes) == expected


def test_what_is_missing_is_named():
    records = [{'id': 1, 'name': 'car'}, {'id': 2, 'name': 'truck'}]
    assert all(w in find_categories(records, None).missing for w in ('car', 'truck', '`classes`'))
    missing = find_categories(records, ('walker',)).missing
    assert all(word in missing for word in ("'walker'", 'car, truck'))
