"""The parts of the server one by one."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mmps.gallery.contents import Contents, contents, timeline
from mmps.server.batching import Batcher
from mmps.server.embeddings import read_embedding, write_embedding
from mmps.server.problems import Refused
from mmps.server.rates import RateLimit
from mmps.structures import DataError


def test_requests_that_come_together_are_answered_together():
    batches, gate = [], threading.Event()

    def run(key, items):
        gate.wait(5)
        batches.append((key, items))
        return [item * 2 for item in items]

    async def ask():
        with ThreadPoolExecutor(1) as threads:
            batcher = Batcher(run, threads, 3, 100, 'it')
            asked = [asyncio.create_task(batcher(i, key='ab'[i % 5 == 4])) for i in range(9)]
            await asyncio.sleep(0.05)
            gate.set()
            return await asyncio.gather(*asked)

    assert asyncio.run(ask()) == [2 * i for i in range(9)]
    assert [len(items) for _, items in batches] == [3, 3, 1, 1, 1][: len(batches)] or sum(
        len(items) for _, items in batches
    ) == 9
    assert max(len(items) for _, items in batches) == 3
    assert all(len({*items} & {4}) == (key == 'b') for key, items in batches)


def test_one_wrong_item_does_not_spoil_its_batch():
    def run(key, items):
        if 3 in items:
            raise DataError('three')
        return items

    async def ask():
        with ThreadPoolExecutor(1) as threads:
            batcher = Batcher(run, threads, 8, 100, 'it')
            return await asyncio.gather(*(batcher(i) for i in range(5)), return_exceptions=True)

    answers = asyncio.run(ask())
    assert isinstance(answers[3], DataError)
    assert [a for a in answers if not isinstance(a, Exception)] == [0, 1, 2, 4]


def test_who_comes_when_too_many_wait_is_sent_away():
    gate = threading.Event()

    def run(key, items):
        gate.wait(5)
        return items

    async def ask():
        with ThreadPoolExecutor(1) as threads:
            batcher = Batcher(run, threads, 1, 2, 'it')
            first = asyncio.create_task(batcher(0))
            await asyncio.sleep(0.02)
            waiting = [asyncio.create_task(batcher(i)) for i in (1, 2)]
            await asyncio.sleep(0.02)
            with pytest.raises(Refused) as refused:
                await batcher(3)
            patient = asyncio.create_task(batcher(4, patient=True))
            await asyncio.sleep(0)
            gate.set()
            return refused.value, await asyncio.gather(first, *waiting, patient)

    error, answers = asyncio.run(ask())
    assert error.status_code == 503
    assert int(error.headers['Retry-After']) >= 1
    assert answers == [0, 1, 2, 4]


def test_a_bucket_fills_at_its_rate():
    limit = RateLimit(2.0, 3)
    assert [limit.wait('a', now=0.0) for _ in range(3)] == [0, 0, 0]
    assert limit.wait('a', now=0.0) == 0.5
    assert limit.wait('b', now=0.0) == 0
    assert limit.wait('a', now=0.5) == 0
    assert limit.wait('a', now=0.5) == 0.5
    assert [limit.wait('a', now=99.0) for _ in range(3)] == [0, 0, 0]
    assert limit.wait('a', now=99.0) > 0
    assert not any(RateLimit(0, 1).wait('a', now=0.0) for _ in range(99))


def test_embeddings_survive_as_text():
    vector = np.random.default_rng(0).normal(size=(1, 16)).astype(np.float32)
    vector /= np.linalg.norm(vector)
    read = read_embedding(write_embedding(3 * vector), 16)
    np.testing.assert_allclose(read, vector, atol=1e-6)
    for wrong in (np.full(16, np.nan), np.zeros(16), np.full(16, 3e38), vector[:, :15]):
        with pytest.raises(DataError):
            read_embedding(write_embedding(wrong), 16)


def test_contents_agree_with_a_count_of_the_rows(drawn_gallery):
    from mmps.gallery import Rows, open_gallery

    with open_gallery(drawn_gallery / 'people.mmps') as gallery:
        rows, held = Rows.joined(gallery.rows()), contents(gallery)
    assert held.people == len(rows)
    assert {name: len(times) for name, times in held.times.items()} == {
        name: int((rows.camera == name).sum()) for name in set(rows.camera)
    }
    assert held.span() == (np.nanmin(rows.time), np.nanmax(rows.time))
    assert held.span('') is None
    found = timeline(held, 10)
    known = rows.time[~np.isnan(rows.time)]
    for name, counts in found.counts.items():
        of = rows.time[(rows.camera == name) & ~np.isnan(rows.time)]
        np.testing.assert_array_equal(counts, np.histogram(of, found.edges)[0])
    assert sum(counts.sum() for counts in found.counts.values()) == len(known)


def test_timelines_of_hardly_any_times():
    nothing = timeline(Contents(), 5)
    assert not len(nothing.edges)
    unknown = timeline(Contents(times={'a': np.array([np.nan])}), 5)
    assert not len(unknown.edges)
    assert not unknown.counts['a'].sum()
    one = timeline(Contents(times={'a': np.array([7.0])}), 5)
    assert one.counts['a'].sum() == 1
    assert not timeline(Contents(times={'a': np.array([7.0])}), 5, since=8.0).counts['a'].sum()
