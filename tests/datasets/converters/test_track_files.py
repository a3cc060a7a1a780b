from __future__ import annotations

import pytest

from mmps.datasets.converters.log import ConversionLog
from mmps.datasets.converters.motchallenge import place_people
from mmps.datasets.converters.records import Image
from mmps.datasets.converters.track_files import read_tracks
from mmps.structures import UNLABELLED, DataError


@pytest.fixture
def read(tmp_path):
    """Write a track file, as ground truth or a tracker's, and read it."""

    def run(*rows, truth=True, labels=None, people=()):
        folder = tmp_path / 'gt' if truth else tmp_path
        folder.mkdir(exist_ok=True)
        path = folder / ('gt.txt' if truth else 'tracks.txt')
        path.write_text('\n'.join(rows))
        if labels:
            (folder / 'labels.txt').write_text('\n'.join(labels))
        return read_tracks(path, ConversionLog(), truth, people)

    return run


@pytest.fixture
def fates(read):
    """Return what became of each row: a person's identity, 'ignored' or 'left out'."""

    def run(*rows, min_visibility=0.0, **options):
        found = []
        for row in read(*rows, **options).rows:
            image = Image('a.jpg')
            tracks = read(*rows, **options)
            alone = type(tracks)(tracks.path, [row], tracks.classes)
            place_people(alone, {row.frame: image}, int, min_visibility, ConversionLog())
            (person,) = image.people or (None,)
            found.append(
                'left out' if person is None else 'ignored' if person.ignore else person.person_id
            )
        return found

    return run


BOX = '10,20,30,80'


@pytest.mark.parametrize(
    ('columns', 'truth', 'fate'),
    [
        # nine columns of ground truth
        ('1,1,1', True, 7),
        ('1,1,0', True, 7),
        ('0,1,1', True, 'ignored'),
        ('1,2,1', True, 'ignored'),
        ('0,7,1', True, 'ignored'),
        ('0,8,1', True, 'ignored'),
        ('0,12,1', True, 'ignored'),
        ('0,13,1', True, 'ignored'),
        ('0,3,1', True, 'left out'),
        ('1,9,1', True, 'left out'),
        ('1,1,-1', True, 7),
        ('-1,-1,-1', True, 7),
        # seven and ten columns
        ('1', True, 7),
        ('0', True, 'ignored'),
        ('0', False, 7),
        ('1,-1,-1,-1', True, 7),
        ('0,-1,-1,-1', True, 'ignored'),
        ('0,-1,-1,-1', False, 7),
        ('1,-3.25,8.5,0', True, 7),
        ('-1,-1,-1,0', False, 7),
        # VisDrone
        ('1,1,0,0', True, 7),
        ('1,2,1,2', True, 7),
        ('0,1,0,0', True, 'ignored'),
        ('0,0,0,0', True, 'ignored'),
        ('1,4,0,0', True, 'left out'),
        ('0.8,1,-1,-1', False, 7),
        ('0.8,4,-1,-1', False, 'left out'),
        # a tracker's nine columns: a score, a class from 1, a score
        ('0.9,1,-1', False, 7),
        ('0,1,0.9', False, 7),
        ('0.9,7,-1', False, 'left out'),
        ('0.9,0,-1', False, 'left out'),
        ('0.9,-1,-1', False, 7),
    ],
)  # fmt: skip
def test_what_becomes_of_a_row(fates, columns, truth, fate):
    assert fates(f'1,7,{BOX},{columns}', truth=truth) == [fate]


@pytest.mark.parametrize('separator', [',', ' ', '\t', ', ', '  ', ';'])
@pytest.mark.parametrize('trailing', [False, True])
def test_separators(read, separator, trailing):
    line = f'3,7,{BOX},1,1,0.5'.replace(',', separator) + separator * trailing
    (row,) = read(line).rows
    assert (row.frame, row.track, row.bbox, row.visibility) == (3, 7, (10, 20, 30, 80), 0.5)


def test_an_empty_column_is_not_passed_over(read):
    with pytest.raises(DataError, match='contains something other than numbers'):
        read('1,7,10,,30,80,1,1,1')


@pytest.mark.parametrize(
    ('labels', 'expected'),
    [
        (['car', 'person'], ['left out', 7]),
        (['Pedestrian', 'people'], [7, 7]),
        (['reflection', 'person'], ['ignored', 7]),
        (['person_on_vehicle', 'pedestrian'], ['ignored', 7]),
    ],
)
@pytest.mark.parametrize('skipped', ['', ',0'])
def test_labels_name_the_classes(fates, labels, expected, skipped):
    rows = [f'1,7,{BOX},1,{kind},0.5{skipped}' for kind in (1, 2)]
    assert fates(*rows, labels=labels) == expected
    assert fates(*rows, labels=labels, min_visibility=0.6).count('ignored') == sum(
        fate != 'left out' for fate in expected
    )


def test_labels_without_a_person_are_refused_or_chosen_from(fates):
    row = f'1,7,{BOX},1,2,1'
    with pytest.raises(DataError, match=r'lists car, walker, and none .*: use --person-class'):
        fates(row, labels=['car', 'walker'])
    assert fates(row, labels=['car', 'walker'], people=[2]) == [7]


def test_people_of_another_class_can_be_chosen(fates):
    rows = [f'1,7,{BOX},0.9,{kind},-1' for kind in (0, 1, 2)]
    assert fates(*rows, truth=False, people=[0]) == [7, 'left out', 'left out']
    assert fates(*rows, truth=True, people=[2]) == ['left out', 'left out', 7]


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        (['1,7,10,20,30,80,1,1,0.7,-1'], 'the last three are neither -1 .* nor class, truncation'),
        (['1,7,10,20,30,80,1,44,0,0'], 'write frame, track, left, top, width, height, flag'),
        (['1,7,10,20,30,80,1', '1,8,10,20,30,80,1,1,1'], 'with and without a class'),
        (['1,7,10,20,30,80'], 'has 6 columns; expected are frame'),
        (['frame,id,x,y,w,h,flag,class,visibility'], 'something other than numbers'),
    ],
)
def test_columns_that_mean_something_else_are_refused(read, rows, message):
    with pytest.raises(DataError, match=message):
        read(*rows)


def test_every_way_is_counted_once(read):
    tracks = read(
        f'1,1,{BOX},1,1,1', f'1,1,{BOX},1,1,1', f'1,-1,{BOX},1,1,1', f'1,2,{BOX},1,1,0.1',
        f'1,3,{BOX},0,1,1', f'1,4,{BOX},0,7,1', f'1,5,{BOX},0,3,1', f'9,1,{BOX},1,1,1',
        f'9,1,{BOX},1,3,1',
    )  # fmt: skip
    log, image = ConversionLog(), Image('a.jpg')
    ways = place_people(tracks, {1: image}, int, 0.5, log)
    assert [(p.person_id, p.ignore) for p in image.people] == [
        (1, False), (UNLABELLED, False), (UNLABELLED, False), (UNLABELLED, True),
        (UNLABELLED, True), (UNLABELLED, True),
    ]  # fmt: skip
    assert ways.total() == len(tracks.rows) == 9
    assert log.kinds == {
        'left unlabelled rows that are a second box of their track in a frame': 1,
        'left unlabelled rows that are without a track number (-1)': 1,
        'made ignore regions of rows that are of people who are visible to less than 0.5': 1,
        'made ignore regions of rows that are not considered (flag 0)': 1,
        'made ignore regions of rows that are of class 7 (static person)': 1,
        'left out rows that are of class 3 (car), and people are of class 1': 2,
        f'{tracks.path} has 1 boxes in frames that have no image: left out': 1,
    }
