from __future__ import annotations

import pytest

from mmps.datasets.converters import mot17_det
from mmps.datasets.converters.coco import to_coco
from mmps.datasets.converters.log import ConversionLog
from mmps.datasets.converters.mot_tracks import NAME, TrackRules, choose_queries, parse
from mmps.datasets.converters.records import Image, Person
from mmps.structures import UNLABELLED, DataError


@pytest.fixture
def sequences(tmp_path, make_image):
    """Two sequences of six frames: track 1 in all of them, track 2 in one, -1 unlabelled."""
    rows = [f'{frame},1,{frame},5,10,20,1,-1,-1,-1' for frame in range(1, 7)]
    rows += ['3,2,9,5,10,20,1,-1,-1,-1', '4,-1,9,5,10,20,1,-1,-1,-1']
    for name in ('hall', 'yard'):
        for frame in range(1, 7):
            make_image(tmp_path / name / f'img1/{frame}.jpg')
        (tmp_path / f'{name}.txt').write_text('\n'.join(rows))
    return tmp_path


def test_a_trackers_output_becomes_a_searchable_set(sequences):
    (test,) = parse(sequences, ConversionLog()).splits
    assert test.counts() == {
        'images': 12,
        'boxes': 16,
        'labelled': 14,
        'identities': 4,
        'ignored': 0,
        'queries': 2,
    }
    assert [(q.file_name, q.person_id, q.camera_id) for q in test.queries] == [
        ('hall/img1/1.jpg', 0, 1),
        ('yard/img1/1.jpg', 2, 2),
    ]


def test_shared_numbers_are_searched_across_sequences(sequences):
    (test,) = parse(sequences, ConversionLog(), rules=TrackRules(shared_ids=True)).splits
    assert test.counts()['identities'] == 2
    assert [(q.person_id, q.camera_id) for q in test.queries] == [(0, 1), (1, 1), (0, 2), (1, 2)]


def test_frames_are_thinned_and_divided_in_time(sequences):
    rules = TrackRules(every=2, train_fraction=1 / 3)
    train, test = parse(sequences, ConversionLog(), rules=rules).splits
    assert [i.file_name for i in train.images] == ['hall/img1/1.jpg', 'yard/img1/1.jpg']
    assert [i.file_name for i in test.images] == [
        f'{name}/img1/{frame}.jpg' for name in ('hall', 'yard') for frame in (3, 5)
    ]


def test_one_sequence_can_be_named_itself(sequences):
    (test,) = parse(sequences / 'hall', ConversionLog()).splits
    assert [image.file_name for image in test.images] == [f'img1/{k}.jpg' for k in range(1, 7)]


def test_a_track_twice_in_a_frame_counts_once(sequences):
    with (sequences / 'hall.txt').open('a') as stream:
        stream.write('\n1,1,30,5,10,20,1,-1,-1,-1\n')
    log = ConversionLog()
    (test,) = parse(sequences, log).splits
    assert [p.person_id for p in test.images[0].people] == [0, UNLABELLED]
    assert any('a second box of their track in a frame' in line for line in log.lines)


def truth(folder, make_image, row, frames=3, images=3):
    """Write a sequence whose frames all hold one row of ground truth."""
    for frame in range(1, images + 1):
        make_image(folder / f'img1/{frame:06d}.jpg')
    (folder / 'gt').mkdir()
    lines = [line.format(frame) for frame in range(1, frames + 1) for line in row.split('|')]
    (folder / 'gt/gt.txt').write_text('\n'.join(lines))
    return folder


def counts(folder, log=None, **rules):
    (test,) = parse(folder, log or ConversionLog(), rules=TrackRules(**rules)).splits
    return {key: test.counts()[key] for key in ('boxes', 'identities', 'ignored', 'queries')}


def test_people_of_ground_truth_are_those_of_mot17_det(tmp_path, make_image):
    rows = (
        '{},1,10,20,30,80,1,1,1|{},2,60,20,30,80,0,7,1|{},3,110,20,30,80,0,1,1|{},4,9,9,9,9,0,3,1'
    )
    folder = truth(tmp_path / 'train/MOT17-02', make_image, rows)
    expected = mot17_det.parse(tmp_path, ConversionLog()).splits[0]
    (test,) = parse(folder, ConversionLog()).splits
    assert [i.people for i in test.images] == [i.people for i in expected.images]
    assert counts(folder) == {'boxes': 3, 'identities': 1, 'ignored': 6, 'queries': 1}


def test_flags_of_ten_columns_count_in_ground_truth(tmp_path, make_image):
    rows = '{},1,60,20,30,80,1,-1,-1,-1|{},2,110,20,30,80,0,-1,-1,-1'
    folder = truth(tmp_path, make_image, rows)
    assert counts(folder) == {'boxes': 3, 'identities': 1, 'ignored': 3, 'queries': 1}
    (folder / 'gt/gt.txt').rename(folder / 'tracks.txt')
    assert counts(folder) == {'boxes': 6, 'identities': 2, 'ignored': 0, 'queries': 2}


def test_classes_follow_labels(tmp_path, make_image):
    rows = '{},1,60,20,30,80,1,1,1.0|{},2,110,20,30,80,1,2,1.0'
    folder, log = truth(tmp_path, make_image, rows), ConversionLog()
    (folder / 'gt/labels.txt').write_text('car\nperson\n')
    (test,) = parse(folder, log).splits
    assert [[p.bbox[0] for p in image.people] for image in test.images] == [[110]] * 3
    assert log.kinds == {'left out rows that are of class 1 (car), and people are of class 2': 3}


def test_frames_from_0_are_shifted_when_it_is_said(sequences):
    path = sequences / 'hall.txt'
    rows = [f'{frame},1,{frame},5,10,20,1,-1,-1,-1' for frame in range(6)]
    path.write_text('\n'.join(rows))
    hall = sequences / 'hall'
    with pytest.raises(DataError, match=r'rows of frames 0 to 5, .* use --first-frame 0'):
        parse(hall, ConversionLog())
    (test,) = parse(hall, ConversionLog(), rules=TrackRules(first_frame=0)).splits
    found = [(image.file_name, image.people[0].bbox[0]) for image in test.images]
    assert found == [(f'img1/{k + 1}.jpg', k) for k in range(6)]


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        ('{},{},1,1,9,9,0.9,0,-1', 'all 6 rows are of class 0, and people are of class 1; use '
         '--person-class 0'),
        ('{},-1,1,1,9,9,0.9,-1,-1,-1', 'all 6 rows are without a track number'),
        ('{},1,1,1,9,9,1,1,0.1', 'of people who are visible to less than 0.5; lower'),
        ('', 'hall.txt has no usable row, .* is it empty because the tracker failed'),
        ('{},1,nan,1,9,9,1', 'no usable row, .* boxes of its 6 rows are not finite'),
        ('70{},1,1,1,9,9,1,1,1', 'all 6 rows are in frames without an image'),
    ],
)  # fmt: skip
def test_why_nobody_can_be_searched_for(sequences, row, message):
    lines = [row.format(frame, frame) for frame in range(1, 7)]
    (sequences / 'hall.txt').write_text('\n'.join(lines))
    with pytest.raises(DataError, match=message):
        parse(sequences / 'hall', ConversionLog(), rules=TrackRules(min_visibility=0.5))


def test_several_reasons_are_named_the_most_frequent_first(sequences):
    rows = ['1,1,1,1,9,9,1,3,1', '1,-1,1,1,9,9,1,1,1', '2,-1,1,1,9,9,1,1,1']
    (sequences / 'hall.txt').write_text('\n'.join(rows))
    with pytest.raises(DataError, match=r'2 rows are without a track .*, 1 rows are of class 3'):
        parse(sequences / 'hall', ConversionLog())


def test_an_unknown_visibility_is_no_small_one(sequences):
    rows = [f'{frame},1,5,5,10,20,0.9,1,-1' for frame in range(1, 7)]
    (sequences / 'hall.txt').write_text('\n'.join(rows))
    expected = {'boxes': 6, 'identities': 1, 'ignored': 0, 'queries': 1}
    assert counts(sequences / 'hall') == expected
    assert counts(sequences / 'hall', min_visibility=0.9) == expected


def test_which_of_two_track_files_is_read(sequences):
    (sequences / 'hall/tracks.txt').write_text('1,1,1,1,9,9,1\n2,1,1,1,9,9,1\n')
    log = ConversionLog()
    (test,) = parse(sequences / 'hall', log).splits
    assert test.counts()['boxes'] == 2
    assert 'hall/tracks.txt is read, and' in log.lines[0]
    with pytest.raises(DataError, match='move away the one that you do not need'):
        parse(sequences / 'hall', ConversionLog(strict=True))


def test_people_of_both_splits_are_counted_aloud(sequences):
    log, rules = ConversionLog(strict=True), TrackRules(train_fraction=0.5)
    train, test = parse(sequences, log, rules=rules).splits
    assert train.counts()['identities'] == 4
    assert test.counts()['identities'] == 2
    (remark,) = [line for line in log.summary() if 'because sequences are cut in time' in line]
    assert remark.startswith('2 of 2 people of test.json are in train.json too')


def test_nobody_who_is_tested_is_trained_on_if_so_wanted(sequences):
    log, rules = ConversionLog(), TrackRules(train_fraction=0.5, disjoint=True)
    train, test = parse(sequences, log, rules=rules).splits
    ids = [{p.person_id for i in split.images for p in i.people} for split in (train, test)]
    assert ids[0] & ids[1] == {UNLABELLED}
    assert (train.counts()['boxes'], train.counts()['identities']) == (8, 2)
    assert '2 people of test.json are left unlabelled in train.json' in log.lines


def test_queries_are_the_first_appearances_of_those_who_appear_again():
    def image(name, camera, *ids):
        return Image(name, [Person((1, 1, 2, 2), i) for i in ids], camera)

    images = [image('a', 1, 5, UNLABELLED), image('b', 1, 5, 6), image('c', 2, 5, 7)]
    queries = choose_queries(images)
    assert [(q.file_name, q.person_id, q.camera_id) for q in queries] == [('a', 5, 1), ('c', 5, 2)]


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'every': 0}, 'n must be at least 1, not 0'),
        ({'train_fraction': 1.5}, r'train_fraction must be in 0\.\.1, not 1\.5'),
        ({'min_visibility': -1}, r'min_visibility must be in 0\.\.1, not -1'),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(DataError, match=message):
        TrackRules(**settings)


def test_what_is_missing_is_named(sequences, tmp_path):
    with pytest.raises(DataError, match='nowhere is not a folder'):
        parse(tmp_path / 'nowhere', ConversionLog())
    with pytest.raises(DataError, match='holds no sequence'):
        parse(sequences / 'hall/img1', ConversionLog())
    with pytest.raises(DataError, match='leaves nobody who is in two test frames'):
        parse(sequences, ConversionLog(), rules=TrackRules(every=6))
    (sequences / 'hall.txt').unlink()
    with pytest.raises(DataError, match='hall has no tracks'):
        parse(sequences, ConversionLog())


@pytest.fixture
def returning(tmp_path, make_image):
    """Two sequences: person 1 comes twice (tracks 4 and 6), person 2 once (track 5)."""
    boxes = {1: [(1, 4), (2, 5)], 2: [(1, 4), (2, 5)], 3: [(2, 5)], 4: [(1, 6)], 5: [(1, 6)]}
    for name in ('hall', 'yard'):
        (tmp_path / name / 'gt').mkdir(parents=True)
        for column, file in enumerate(('gt.txt', 'visits.txt')):
            rows = [
                f'{frame},{row[column]},{row[0]},5,10.5,20,1,1,1'
                for frame, people in boxes.items()
                for row in people
            ]
            (tmp_path / name / 'gt' / file).write_text('\n'.join(rows))
        for frame in boxes:
            make_image(tmp_path / name / f'img1/{frame}.jpg')
    return tmp_path


def test_visits_come_from_a_second_file(returning):
    rules = TrackRules(visits='gt/visits.txt')
    (test,) = parse(returning / 'hall', ConversionLog(), rules=rules).splits
    assert [[(p.person_id, p.visit) for p in image.people] for image in test.images] == [
        [(0, 4), (1, 5)], [(0, 4), (1, 5)], [(1, 5)], [(0, 6)], [(0, 6)]
    ]  # fmt: skip
    assert [(q.file_name, q.person_id, q.visit) for q in test.queries] == [
        ('img1/1.jpg', 0, 4), ('img1/1.jpg', 1, 5), ('img1/4.jpg', 0, 6)
    ]  # fmt: skip
    # A single sequence may name a file that lies elsewhere.
    elsewhere = (returning / 'hall/gt/visits.txt').rename(returning / 'visits.txt')
    rules = TrackRules(visits=str(elsewhere))
    (again,) = parse(returning / 'hall', ConversionLog(), rules=rules).splits
    assert again.queries == test.queries


def test_visits_are_unique_in_a_set_of_sequences(returning):
    rules = TrackRules(visits='gt/visits.txt', shared_ids=True, every_box=True)
    (test,) = parse(returning, ConversionLog(), rules=rules).splits
    people = [(image.camera_id, p) for image in test.images for p in image.people]
    assert [(camera, p.person_id, p.visit) for camera, p in people[:2]] == [(1, 0, 4), (1, 1, 5)]
    assert {p.visit for camera, p in people if camera == 2} == {11, 12, 13}
    assert [(q.bbox, q.person_id, q.visit) for q in test.queries] == [
        (p.bbox, p.person_id, p.visit) for _, p in people
    ]
    records = to_coco(sized(test), NAME)
    assert [a['visit'] for a in records['annotations']] == [p.visit for _, p in people]
    assert [q['visit'] for q in records['queries']] == [q.visit for q in test.queries]


def sized(split):
    for image in split.images:
        image.size = (100, 100)
    return split


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (lambda text: text.replace('4,6,', '4,5,'), 'a visit is of one person'),
        (lambda text: text.replace('5,10.5,20', '5,10.6,20', 1), 'the same boxes'),
        (lambda text: None, 'visits.txt'),
    ],
    ids=['two persons', 'other boxes', 'missing'],
)
def test_files_that_do_not_fit_are_refused(returning, change, words):
    path = returning / 'hall/gt/visits.txt'
    text = change(path.read_text())
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(DataError, match=words):
        parse(returning / 'hall', ConversionLog(), rules=TrackRules(visits='gt/visits.txt'))
