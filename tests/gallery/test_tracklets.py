from __future__ import annotations

import numpy as np
import pytest

from mmps.gallery import Rows, Where, open_gallery
from mmps.gallery.tracklets import Linking, averaged, box_overlaps, link, visits
from mmps.gallery.visits import search_visits

from .conftest import MODEL, state

RATE = 2.0


def walk(people, seed=0, noise=0.2, still=False):
    """Rows of people who walk through a scene, shuffled, and who each row is of.

    People are (looks, x at the start, pixels a frame, frames): two may have the same looks.
    """
    rng = np.random.default_rng(seed)
    looks = rng.normal(size=(9, MODEL.dimension))
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    found = []
    for person, (look, x, step, frames) in enumerate(people):
        for k, frame in enumerate(frames):
            vector = looks[look] + noise * rng.normal(size=MODEL.dimension) / 3
            left = x + step * k
            box = [left, 50, left + 20, 110]
            found.append((frame, person, vector / np.linalg.norm(vector), box))
    order = rng.permutation(len(found))
    frames = np.array([found[i][0] for i in order])
    slots = np.zeros(len(order), dtype=int)
    for frame in np.unique(frames):
        slots[frames == frame] = np.arange((frames == frame).sum())
    rows = Rows(
        vectors=np.array([found[i][2] for i in order]),
        boxes=np.array([found[i][3] for i in order]),
        scores=rng.uniform(0.5, 1, len(order)),
        source=['a.mp4'] * len(order),
        frame=np.full(len(order), -1) if still else frames,
        slot=slots,
        time=frames / RATE,
        camera=[''] * len(order),
    )
    return rows, np.array([found[i][1] for i in order])


def assert_same_partition(found, expected):
    pairs = {*zip(found.tolist(), expected.tolist(), strict=True)}
    assert len(pairs) == len({*found.tolist()}) == len({*expected.tolist()})


CROSSING = [(0, 0, 12, range(20)), (1, 228, -12, range(20))]
GAP = [(0, 0, 5, range(10)), (0, 60, 5, range(16, 25))]


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize(
    'people',
    [
        CROSSING,
        GAP,
        [(0, 0, 3, range(10)), (1, 100, 3, range(3, 30)), (2, 200, -3, [*range(5), *range(7, 12)])],
        # Twins far from each other: looks alone would mix them.
        [(0, 0, 1, range(20)), (0, 600, 1, range(20))],
    ],
    ids=['crossing', 'gap', 'coming and going', 'twins'],
)
def test_people_are_followed(people, seed):
    rows, truth = walk(people, seed)
    numbers = link(rows)
    assert_same_partition(numbers, truth)
    # Numbers follow the order in which people come.
    first = [rows.frame[numbers == number].min() for number in range(numbers.max() + 1)]
    assert first == sorted(first)
    stays = visits(rows, numbers)
    for number, stay in enumerate(stays):
        times = rows.time[numbers == number]
        assert (stay.since, stay.until, stay.boxes) == (times.min(), times.max(), len(times))


def test_the_order_of_rows_does_not_matter():
    rows, _ = walk(CROSSING, noise=1.0)
    numbers = link(rows)
    order = np.random.default_rng(1).permutation(len(rows))
    np.testing.assert_array_equal(link(rows[order]), numbers[order])


def test_a_longer_gap_may_be_allowed():
    rows, _ = walk(GAP)
    assert link(rows, Linking(max_gap=4.0)).max() == 0
    assert link(rows, Linking(max_gap=0.1)).max() == len(rows) - 1


def test_still_images_are_not_linked():
    rows, _ = walk(CROSSING, still=True)
    assert sorted(link(rows).tolist()) == list(range(len(rows)))
    assert len(link(Rows.empty(8))) == 0


def test_tracklets_have_one_average_row():
    rows, _ = walk(CROSSING)
    numbers = link(rows)
    mean = averaged(rows, numbers)
    assert len(mean) == 2
    for number in range(2):
        members = rows[numbers == number]
        sums = members.vectors.sum(axis=0)
        np.testing.assert_allclose(mean.vectors[number], sums / np.linalg.norm(sums), atol=1e-6)
        assert mean.scores[number] == members.scores.max()


def test_overlaps_are_those_of_mmdet():
    import torch
    from mmdet.structures.bbox import bbox_overlaps

    rng = np.random.default_rng(0)
    first, second = (rng.uniform(0, 50, size=(n, 4)) for n in (7, 5))
    for boxes in (first, second):
        boxes[:, 2:] += boxes[:, :2]
    expected = bbox_overlaps(torch.from_numpy(first), torch.from_numpy(second))
    np.testing.assert_allclose(box_overlaps(first, second), expected.numpy(), atol=1e-9)


def test_a_search_for_visits_has_one_hit_for_each(tmp_path):
    rows, truth = walk([*CROSSING, (0, 0, 12, range(40, 60))])
    with open_gallery(tmp_path / 'a.mmps', model=MODEL, mode='w') as gallery:
        gallery.add(rows, [state()])
        query = rows.vectors[:1]
        for top in (1, 2, 3, 9):
            found = search_visits(gallery, query, top)
            assert len(found.hits) == len(found.visits) == min(top, 3)
            best = sorted((rows.vectors[truth == p] @ query[0]).max() for p in range(3))[::-1]
            np.testing.assert_allclose(found.hits.similarities, best[:top], atol=2e-3)
            assert [visit.boxes for visit in found.visits] == [20] * min(top, 3)
        late = search_visits(gallery, query, 9, Where(since=20.0))
        assert len(late.hits) == 1
