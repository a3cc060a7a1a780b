from __future__ import annotations

import numpy as np

from mmps.visualization.blurring import HEAD, blurred


def test_only_the_upper_fifth_of_boxes_changes():
    image = np.random.default_rng(0).integers(0, 256, (100, 80, 3), dtype=np.uint8)
    before = image.copy()
    result = blurred(image, [[10, 20, 40, 70]])
    np.testing.assert_array_equal(image, before)
    changed = (result != image).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert rows.min() == 20
    assert rows.max() == 20 + HEAD * 50 - 1
    assert (columns.min(), columns.max()) == (10, 39)
    assert changed[20:30, 10:40].mean() > 0.95


def test_detail_is_gone_at_any_size():
    rng = np.random.default_rng(1)
    for width in (12, 60, 600):
        image = rng.integers(0, 256, (3 * width, width, 3), dtype=np.uint8)
        head = blurred(image, [[0, 0, width, 3 * width]])[: round(HEAD * 3 * width)]
        steps = np.abs(np.diff(head.astype(int), axis=1))
        assert steps.max() <= 255 * 6 / width + 3


def test_boxes_at_and_beyond_the_border():
    image = np.full((20, 20, 3), 9, np.uint8)
    boxes = [[-5, -5, 8, 30], [15, 15, 40, 40], [30, 30, 50, 50], [5, 5, 5, 5]]
    np.testing.assert_array_equal(blurred(image, boxes), image)
