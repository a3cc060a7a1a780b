from __future__ import annotations

import numpy as np

from mmps.benchmarks.gallery import drawn_batches, fill, is_exact, measure_search, table
from mmps.gallery import Rows, open_gallery


def test_what_is_measured_is_what_was_drawn(tmp_path):
    path = tmp_path / 'a.mmps'
    seen = []
    rate = fill(path, 1200, 8, lambda: seen.append(1))
    assert len(seen) == 3
    assert rate > 0
    drawn = Rows.joined(drawn_batches(1200, 8))
    with open_gallery(path) as gallery:
        stored = Rows.joined(gallery.rows(vectors=True))
    np.testing.assert_allclose(stored.vectors, drawn.vectors, atol=1e-3)
    assert list(stored.camera) == list(drawn.camera)
    assert is_exact(path)
    measured = measure_search(str(path), repeats=2)
    assert measured['rows'] == 1200
    assert all(measured[name]['median'] > 0 for name in ('bare', 'all', 'one_percent', 'half'))
    text = table(rate, measured)
    assert '1,200 people' in text
    assert text.count('\n|') == 6


def test_drawn_people_are_alike():
    rows = next(drawn_batches(100, 64))
    similar = rows.vectors @ rows.vectors.T
    assert similar[:50, :50].mean() > similar[:50, 50:].mean() + 0.3
