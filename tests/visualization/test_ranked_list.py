from __future__ import annotations

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mmps.structures import DataError
from mmps.visualization.figures import save_figure
from mmps.visualization.ranked_list import (
    CROP_HEIGHT,
    CROP_MARGIN,
    CROP_WIDTH,
    FRAMES,
    QUERY_FRAME,
    Hit,
    RankedList,
    crop_person,
    draw_ranked_lists,
)


@pytest.fixture
def image_path(tmp_path):
    path = tmp_path / 'a very long name of an image.png'
    cv2.imwrite(str(path), np.full((90, 160, 3), 100, np.uint8))
    return path


def ranked_list(path, matches):
    box = np.array([10, 10, 30, 60])
    hits = [Hit(path, box, 0.9 - 0.1 * n, match, 'camera 1') for n, match in enumerate(matches)]
    return RankedList(path, box, hits, title='query 7')


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in [axes.title, *axes.texts]]


def test_frames_and_marks_tell_right_wrong_and_unknown(image_path, tmp_path):
    figure = draw_ranked_lists([ranked_list(image_path, ['right', 'wrong', 'unknown'])])
    frames = [axes.patches[-1].get_edgecolor()[:3] for axes in figure.axes]
    expected = [QUERY_FRAME, QUERY_FRAME, FRAMES['right'], FRAMES['wrong'], FRAMES['unknown']]
    assert frames == [to_rgb(colour) for colour in expected]
    assert {'1  ✓ 0.90', '2  ✗ 0.80', '3  ? 0.70', 'query 7'} <= set(texts(figure))
    save_figure(figure, tmp_path / 'sheet.png')
    pixels = cv2.imread(str(tmp_path / 'sheet.png'))[..., ::-1].reshape(-1, 3)
    for colour in expected:
        assert (np.abs(pixels - np.array(to_rgb(colour)) * 255).max(axis=1) < 3).sum() > 500


@pytest.mark.parametrize('hits', [1, 8, 12])
def test_white_is_left_beside_the_last_column(image_path, tmp_path, hits):
    save_figure(draw_ranked_lists([ranked_list(image_path, ['right'] * hits)]), tmp_path / 'a.png')
    inked = (cv2.imread(str(tmp_path / 'a.png')) < 250).any(axis=(0, 2))
    assert 4 <= inked[::-1].argmax() <= 15


def test_captions_give_the_end_of_the_image_name_and_the_camera(image_path):
    figure = draw_ranked_lists([ranked_list(image_path, ['right'])])
    assert '… of an image\ncamera 1' in texts(figure)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize(
    ('matches', 'entries'),
    [
        (['right', 'wrong', 'unknown'],
         ['✓ same person', '✗ another person', '? person without label, or nobody']),
        (['unknown'], ['? person without label, or nobody']),
        ([], []),
    ],
)  # fmt: skip
def test_the_legend_explains_the_frames_that_occur(image_path, matches, entries):
    figure = draw_ranked_lists([ranked_list(image_path, matches)])
    assert legend(figure) == ['query', *entries, 'above a hit: rank, similarity']


def test_the_sheet_fits_a_page_unless_crops_would_be_too_narrow(image_path):
    usual = draw_ranked_lists([ranked_list(image_path, ['right'] * 8)])
    assert usual.get_figwidth() == pytest.approx(9)
    long = draw_ranked_lists([ranked_list(image_path, ['right'] * 20)])
    assert long.get_figwidth() > 12
    short = draw_ranked_lists([ranked_list(image_path, ['right'])])
    assert short.get_figwidth() < 6


def test_the_frame_of_a_query_that_leaves_its_image_ends_with_the_image(image_path):
    ranked = RankedList(image_path, np.array([-20, 10, 30, 200]), [])
    (_, frame) = draw_ranked_lists([ranked]).axes[0].patches
    assert (frame.get_x(), frame.get_y()) == (0, 10)
    assert frame.get_height() == 90 - 1 - 10


def test_rows_may_differ_in_length_and_be_empty(image_path):
    lists = [ranked_list(image_path, []), ranked_list(image_path, ['right', 'wrong'])]
    assert len(draw_ranked_lists(lists).axes) == (2 + 0) + (2 + 2)


def test_no_list_is_refused():
    with pytest.raises(ValueError, match='choose at least one query'):
        draw_ranked_lists([])


@pytest.mark.parametrize('content', [None, b'not an image'])
def test_a_missing_or_broken_image_is_named(tmp_path, content):
    path = tmp_path / 'broken.jpg'
    if content:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r'broken\.jpg (cannot be read|is no readable image)'):
        draw_ranked_lists([ranked_list(path, ['right'])])


def test_sheets_show_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / 'red.png'), np.full((90, 160, 3), (0, 0, 255), np.uint8))
    (scene, *_) = draw_ranked_lists([ranked_list(tmp_path / 'red.png', [])]).axes
    assert scene.images[0].get_array()[20, 20].tolist() == [255, 0, 0]


def test_a_crop_keeps_proportions_and_centre():
    image = np.zeros((100, 100, 3), np.uint8)
    image[30:70, 40:60] = 255  # 20 x 40, the crop's own proportions
    crop = crop_person(image, np.array([40, 30, 60, 70]))[..., 0] > 127
    rows, columns = np.flatnonzero(crop.any(axis=1)), np.flatnonzero(crop.any(axis=0))
    assert crop.shape == (CROP_HEIGHT, CROP_WIDTH)
    assert len(rows) == pytest.approx(CROP_HEIGHT / CROP_MARGIN, abs=2)
    assert len(columns) == pytest.approx(CROP_WIDTH / CROP_MARGIN, abs=2)
    assert rows.mean() == pytest.approx((CROP_HEIGHT - 1) / 2, abs=1)
    assert columns.mean() == pytest.approx((CROP_WIDTH - 1) / 2, abs=1)


@pytest.mark.parametrize(
    'box', [(-50, -50, -20, -10), (90, 90, 300, 200), (5, 5, 5, 5), (0, 0, 90, 10)]
)
def test_a_box_of_any_kind_can_be_cut(box):
    crop = crop_person(np.zeros((100, 100, 3), np.uint8), np.array(box))
    assert crop.shape == (CROP_HEIGHT, CROP_WIDTH, 3)
