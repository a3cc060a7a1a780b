"""What every kind of gallery must do; a further kind runs these tests too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmps.gallery import Rows, Where, find_info, merge, open_gallery
from mmps.structures import DataError

from .conftest import MODEL, people, state

CONDITIONS = [
    Where(),
    Where(cameras=['south']),
    Where(cameras=['nowhere']),
    Where(since=101.0),
    Where(until=101.0),
    Where(since=100.5, until=101.0),
    Where(min_score=0.5),
    Where(sources=['b.mp4', 'c.mp4']),
    Where(cameras=['north'], since=101.0, min_score=0.3),
]


def fill(gallery):
    """Two videos and an image without a time."""
    parts = [
        people(),
        people('b.mp4', seed=1, camera='south'),
        replace(people('c.jpg', frames=[-1], seed=2, camera=''), time=np.full(3, np.nan)),
    ]
    done = [state(), state('b.mp4', 'digest-b'), state('c.jpg', 'digest-c')]
    ids = [gallery.add(rows, [progress]) for rows, progress in zip(parts, done, strict=True)]
    return replace(Rows.joined(parts), ids=np.concatenate(ids))


def naive(rows, where):
    """Positions of the rows that meet conditions, by a loop over rows."""
    found = []
    for i in range(len(rows)):
        ok = where.cameras is None or rows.camera[i] in where.cameras
        ok &= where.sources is None or rows.source[i] in where.sources
        ok &= where.since is None or rows.time[i] >= where.since
        ok &= where.until is None or rows.time[i] <= where.until
        ok &= where.min_score is None or rows.scores[i] >= np.float32(where.min_score)
        ok &= where.ids is None or int(rows.ids[i]) in where.ids
        ok &= where.not_ids is None or int(rows.ids[i]) not in where.not_ids
        if ok:
            found.append(i)
    return found


def assert_same(found, expected, vectors=True):
    for name in ('boxes', 'scores', 'frame', 'slot', 'time', 'ids'):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    assert list(found.source) == list(expected.source)
    assert list(found.camera) == list(expected.camera)
    if vectors:
        np.testing.assert_allclose(found.vectors, expected.vectors, atol=1e-3)


def all_rows(gallery, **options):
    return Rows.joined(gallery.rows(vectors=True, **options))


@pytest.mark.parametrize('where', CONDITIONS, ids=str)
def test_rows_and_hits_are_those_of_a_loop(gallery, where):
    rows = fill(gallery)
    ids = [int(i) for i in rows.ids]
    for condition in (where, replace(where, ids=ids[::2]), replace(where, not_ids=ids[:5])):
        passing = naive(rows, condition)
        assert gallery.count(condition) == len(passing)
        assert [int(i) for part in gallery.rows(condition) for i in part.ids] == [
            ids[i] for i in passing
        ]
        stored = rows.vectors.astype(np.float16).astype(np.float32)
        query = people(seed=9).vectors[:2]
        for hits, wanted in zip(gallery.search(query, 4, condition), query, strict=True):
            order = sorted(passing, key=lambda i: -float(stored[i] @ wanted))[:4]
            assert hits.rows.ids.tolist() == [ids[i] for i in order]
            np.testing.assert_allclose(hits.similarities, stored[order] @ wanted, atol=1e-6)
            assert_same(hits.rows, rows[np.array(order, dtype=int)], vectors=False)


def test_stored_rows_come_back_in_their_order_in_batches(gallery):
    rows = fill(gallery)
    assert_same(all_rows(gallery, batch=7), rows)
    assert max(len(part) for part in gallery.rows(batch=7)) == 7
    assert next(iter(gallery.rows())).vectors.shape[1] == 0


def test_equal_similarities_keep_the_order_in_which_they_came(gallery):
    rows = people(frames=range(5), per_frame=1)
    same = replace(rows, vectors=np.tile(rows.vectors[:1], (5, 1)))
    ids = gallery.add(same, [state()])
    (hits,) = gallery.search(rows.vectors[:1], k=3)
    assert hits.rows.ids.tolist() == ids[:3].tolist()


def test_a_batch_that_is_repeated_changes_nothing(gallery):
    first = gallery.add(people(), [state()])
    again = gallery.add(people(), [state()])
    assert first.tolist() == again.tolist()
    assert gallery.count() == len(people())
    assert_same(all_rows(gallery), replace(people(), ids=first))


def test_ids_do_not_depend_on_the_gallery_or_the_order(gallery, place):
    first = fill(gallery)
    with open_gallery(place('other'), model=MODEL, mode='w') as other:
        for source, digest in (('c.jpg', 'digest-c'), ('b.mp4', 'digest-b'), ('a.mp4', 'digest-a')):
            mine = first[first.source == source]
            ids = other.add(replace(mine, ids=None), [state(source, digest)])
            assert ids.tolist() == mine.ids.tolist()


def test_rows_of_changed_content_leave_when_the_new_ones_come(gallery):
    fill(gallery)
    before = gallery.count()
    new = people(frames=range(2), seed=5)
    gallery.add(new, [state(digest='changed')])
    assert gallery.count() == before - len(people()) + len(new)
    assert gallery.count(Where(sources=['a.mp4'])) == len(new)
    assert gallery.progress()['a.mp4'].digest == 'changed'


def test_progress_is_kept_with_the_rows(gallery):
    gallery.add(people(), [state(last_frame=3, width=640, height=480, time_origin='start')])
    gallery.add(Rows.empty(MODEL.dimension), [state('bad.mp4', 'x', problem='cut short')])
    assert gallery.progress() == {
        'a.mp4': state(last_frame=3, width=640, height=480, time_origin='start'),
        'bad.mp4': state('bad.mp4', 'x', problem='cut short'),
    }
    gallery.add(Rows.empty(MODEL.dimension), [state(last_frame=3, finished=True)])
    assert gallery.progress()['a.mp4'].finished is True


def test_removed_rows_are_found_no_more(gallery):
    rows = fill(gallery)
    gallery.search(rows.vectors[:1])  # so that rows are in memory
    assert gallery.remove(Where(cameras=['south'], min_score=0.5)) == np.sum(
        (rows.camera == 'south') & (rows.scores >= 0.5)
    )
    kept = rows[~((rows.camera == 'south') & (rows.scores >= 0.5))]
    assert_same(all_rows(gallery), kept)
    assert 'b.mp4' in gallery.progress()
    gallery.compact()
    assert_same(all_rows(gallery), kept)
    with pytest.raises(DataError, match='no condition'):
        gallery.remove(Where())


def test_statistics_are_those_of_a_loop(gallery):
    rows = fill(gallery)
    found = gallery.statistics()
    assert found.people == {'a.mp4': 12, 'b.mp4': 12, 'c.jpg': 3}
    assert found.cameras == {'north': 12, 'south': 12, '': 3}
    assert (found.since, found.until) == (np.nanmin(rows.time), np.nanmax(rows.time))
    assert found.bytes is None or found.bytes > 0
    gallery.remove(Where(sources=['a.mp4', 'b.mp4']))
    assert gallery.statistics().since is None


def test_notes_are_kept_and_replaced(gallery):
    assert gallery.notes() == {}
    gallery.set_note('worker 1/2', {'done': 1, 'name': "O'Neill"})
    gallery.set_note('other', {'a': None})
    gallery.set_note('worker 1/2', {'done': 2})
    assert gallery.notes() == {'worker 1/2': {'done': 2}, 'other': {'a': None}}
    gallery.set_note('other', None)
    gallery.set_note('none', None)
    with open_gallery(gallery.info.where) as reader:
        assert reader.notes() == {'worker 1/2': {'done': 2}}
        with pytest.raises(DataError, match="mode='w'"):
            reader.set_note('other', {})


def test_names_with_quotes_and_other_letters(gallery):
    source, camera = 'C:\\a "b" \'c\' %_é日.mp4', '"; DROP TABLE person; --'
    gallery.add(people(source, camera=camera), [state(source, camera=camera)])
    gallery.add(people('b.mp4', seed=2), [state('b.mp4', 'digest-b')])
    assert gallery.count(Where(sources=[source], cameras=[camera])) == 12
    (hits,) = gallery.search(people().vectors[:1], 3, Where(cameras=[camera]))
    assert {*hits.rows.source} == {source}
    assert list(gallery.progress()) == [source, 'b.mp4']
    assert gallery.remove(Where(sources=[source])) == 12


def test_a_source_that_is_removed_is_forgotten(gallery):
    fill(gallery)
    assert gallery.remove(Where(sources=['b.mp4'])) == len(people())
    assert list(gallery.progress()) == ['a.mp4', 'c.jpg']


@pytest.mark.parametrize(
    ('rows', 'done', 'words'),
    [
        (people(), [], 'knows no source'),
        (replace(people(), vectors=np.eye(12)), [state()], 'size 8'),
        (Rows.joined([people(), people()]), [state()], 'twice'),
    ],
    ids=['source', 'dimension', 'repeated'],
)
def test_of_a_refused_batch_nothing_is_stored(gallery, rows, done, words):
    with pytest.raises(DataError, match=words):
        gallery.add(rows, done)
    assert gallery.count() == 0
    assert not gallery.progress()


def test_rows_that_cannot_be_are_refused():
    for change, words in (
        ({'scores': np.ones(3)}, 'length'),
        ({'vectors': np.full((12, 8), 2.0)}, 'unit length'),
        ({'boxes': np.full((12, 4), np.nan)}, 'finite'),
    ):
        with pytest.raises(DataError, match=words):
            replace(people(), **change)


def test_a_reader_sees_what_a_writer_adds_and_removes(gallery):
    rows = fill(gallery)
    with open_gallery(gallery.info.where) as reader:
        assert reader.count(Where(cameras=['north'])) == 12
        gallery.add(people('d.mp4', seed=7), [state('d.mp4', 'digest-d')])
        assert reader.count(Where(cameras=['north'])) == 24
        gallery.remove(Where(sources=['a.mp4']))
        assert reader.count(Where(cameras=['north'])) == 12
        (hits,) = reader.search(rows.vectors[:1], k=100)
        assert 'a.mp4' not in hits.rows.source
        with pytest.raises(DataError, match="mode='w'"):
            reader.add(people(), [state()])


def test_merged_galleries_hold_the_rows_of_both(gallery, place):
    whole = fill(gallery)
    parts = []
    for name, sources in (('x', ['a.mp4']), ('y', ['b.mp4', 'c.jpg'])):
        part = open_gallery(place(name), model=MODEL, mode='w')
        for source in sources:
            part.add(replace(whole[whole.source == source], ids=None), [gallery.progress()[source]])
        parts.append(part)
    with open_gallery(place('both'), model=MODEL, mode='w') as both:
        assert merge(both, *parts) == len(whole)
        merge(both, *parts)
        assert_same(all_rows(both), whole)
        assert both.progress() == gallery.progress()
        parts[0].add(people(seed=8), [state(digest='other content')])
        with pytest.raises(DataError, match='different content'):
            merge(both, *parts)
        assert_same(all_rows(both), whole)
    for part in parts:
        part.close()


def test_a_gallery_is_found_or_not(gallery, place):
    assert find_info(place('people')).model == MODEL
    assert find_info(place('none')) is None
    with pytest.raises(DataError, match=r'make .* gallery|does not exist|has no gallery'):
        open_gallery(place('none'))


@pytest.mark.slow
def test_merge_moves_a_gallery_from_a_file_to_a_server_and_back(gallery, tmp_path):
    with open_gallery(tmp_path / 'from.mmps', model=MODEL, mode='w') as source:
        whole = fill(source)
        assert merge(gallery, source) == len(whole)
        states = source.progress()
    assert_same(all_rows(gallery), whole)
    with open_gallery(tmp_path / 'to.mmps', model=MODEL, mode='w') as target:
        merge(target, gallery)
        assert_same(all_rows(target), whole)
        assert target.progress() == states


def test_another_model_is_refused(gallery, place):
    other = replace(MODEL, fingerprint='another')
    for mode in 'rw':
        with pytest.raises(DataError, match='another model'):
            open_gallery(gallery.info.where, model=other, mode=mode)
    part = open_gallery(place('b'), model=other, mode='w')
    with part, pytest.raises(DataError, match='another model'):
        merge(gallery, part)
