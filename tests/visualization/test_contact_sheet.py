from __future__ import annotations

import numpy as np
from PIL import Image

from mmps.visualization.contact_sheet import (
    SCENE_HEIGHT,
    crop_of,
    draw_sheet,
    fitted,
    font,
    save_image,
    shortened,
    with_boxes,
)

HIT = (217, 119, 6)


def scene(width=200, height=100):
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2] = (255, 0, 0)  # blue, as OpenCV has it
    return image


def hit(rank):
    return {'rank': rank, 'box': [20, 10, 60, 90]}


def test_a_sheet_has_room_for_every_hit():
    hits = [(hit(rank), scene()) for rank in range(1, 7)]
    captions = [['first', 'second']] * 6
    sheet = draw_sheet([(scene(), [20, 10, 60, 90])], hits, captions, 'title')
    pixels = np.asarray(sheet)
    assert (pixels == HIT).all(axis=2).sum() > 6 * 100
    fewer = draw_sheet([(scene(), [20, 10, 60, 90])], hits[:4], captions[:4], 'title')
    assert sheet.height - fewer.height > SCENE_HEIGHT
    gone = draw_sheet([], [(hit(1), None)], [['first']], 'title')
    assert (np.asarray(gone) == HIT).all(axis=2).sum() == 0


def test_boxes_are_drawn_where_they_are():
    drawn = np.asarray(with_boxes(scene(), [[20, 10, 60, 90]], ['#d97706'], ['7']))
    marked = np.argwhere((drawn == HIT).all(axis=2))
    assert marked[:, 1].min() >= 18
    assert marked[:, 1].max() <= 62
    assert (drawn[50, 40] == (0, 0, 255)).all()


def test_crops_hold_at_least_a_pixel():
    for box, size in (
        ([20, 10, 60, 90], (40, 80)),
        ([-30, -30, 10, 10], (10, 10)),
        ([500, 500, 600, 600], (1, 1)),
        ([5, 5, 5, 5], (1, 1)),
    ):
        assert crop_of(scene(), box).size == size


def test_images_keep_their_shape():
    field = np.asarray(fitted(Image.new('RGB', (100, 50), 'red'), 60, 60))
    assert field.shape == (60, 60, 3)
    assert (field == (255, 0, 0)).all(axis=2).sum() == 60 * 30


def test_long_names_lose_their_beginning():
    style = font(14)
    assert shortened('short', style, 500) == 'short'
    text = shortened('folder/' * 50 + 'name.mp4', style, 200)
    assert text.startswith('…')
    assert text.endswith('name.mp4')
    assert style.getlength(text) <= 200


def test_images_are_written_in_the_form_of_their_name(tmp_path):
    for name, form in (('a.png', 'PNG'), ('b.jpg', 'JPEG'), ('c', 'PNG')):
        save_image(Image.new('RGB', (4, 4)), tmp_path / name)
        assert Image.open(tmp_path / name).format == form
