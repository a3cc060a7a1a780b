from __future__ import annotations

import pytest

from mmps.datasets.converters.log import ConversionLog
from mmps.datasets.converters.mot_tracks import TrackRules, choose_queries, parse
from mmps.datasets.converters.records import Image, Person
from mmps.structures import UNLABELLED, DataError


@pytest.fixture
def sequences(tmp_path, make_picture):
    """Two sequences of six frames: track 1 in all of them, track 2 in one, -1 unlabelled."""
    rows = [f'{frame},1,{frame},5,10,20,1,-1,-1,-1' for frame in range(1, 7)]
    rows += ['3,2,9,5,10,20,1,-1,-1,-1', '4,-1,9,5,10,20,1,-1,-1,-1']
    for name in ('hall', 'yard'):
        for frame in range(1, 7):
            make_picture(tmp_path / name / f'img1/{frame}.jpg')
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
    assert any('second box of one track' in line for line in log.lines)


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
