from __future__ import annotations

import numpy as np

from mmps.datasets.converters.records import Galleries


def test_dropping_an_image_drops_whatever_refers_to_it(small_split):
    left = small_split.without_images({'0.jpg'})
    assert [image.file_name for image in left.images] == ['1.jpg', '2.jpg']
    assert [query.person_id for query in left.queries] == [1]
    gallery = left.galleries['50']
    assert gallery.offsets.tolist() == [0, 2]
    assert gallery.images.tolist() == [1, 1]
    assert gallery.bboxes[:, 0].tolist() == [12, 16]
    subset = left.galleries['occlusion']
    assert subset.query_index.tolist() == [0]
    assert subset.images.tolist() == [1]


def test_dropping_a_query_drops_its_gallery(small_split):
    left = small_split.without_images({'1.jpg'})
    assert left.galleries['50'].offsets.tolist() == [0, 1]
    assert left.galleries['50'].images.tolist() == [1]
    assert left.galleries['occlusion'].offsets.tolist() == [0]
    assert left.galleries['occlusion'].query_index.tolist() == []


def test_selecting_equals_a_naive_loop():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 5, 6))])
        images, boxes = rng.integers(0, 7, offsets[-1]), rng.random((offsets[-1], 4))
        keep_queries, keep_images = rng.random(6) < 0.6, rng.random(7) < 0.6
        renumbered = {old: new for new, old in enumerate(np.flatnonzero(keep_images))}
        lists = [
            [
                (renumbered[images[e]], *boxes[e])
                for e in range(*offsets[q : q + 2])
                if images[e] in renumbered
            ]
            for q in np.flatnonzero(keep_queries)
        ]
        chosen = Galleries(offsets, images, boxes).select(keep_queries, keep_images)
        found = [
            [(chosen.images[e], *chosen.bboxes[e]) for e in range(*chosen.offsets[q : q + 2])]
            for q in range(len(chosen.offsets) - 1)
        ]
        assert found == lists
