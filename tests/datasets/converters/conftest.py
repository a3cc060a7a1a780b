from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from mmps.datasets.converters import Converter, convert, cuhk_sysu, mot17_det, prw, wider_pedestrian
from mmps.datasets.converters.records import Galleries, Person, Query, Split
from mmps.datasets.converters.records import Image as ImageRecord
from mmps.synthetic import Recipe, make

PARSERS = {
    'cuhk_sysu': cuhk_sysu,
    'prw': prw,
    'mot17_det': mot17_det,
    'wider_pedestrian': wider_pedestrian,
}


@pytest.fixture(scope='session')
def drawn(tmp_path_factory):
    """Draw a small set in a layout, once; returns its folder and its scenes."""
    made = {}

    def draw(layout):
        if layout not in made:
            root = tmp_path_factory.mktemp('drawn') / layout
            made[layout] = (root, make(root, Recipe(layout, 'a', 5, 40, 12), workers=2))
        return made[layout]

    return draw


@pytest.fixture
def copy_of(drawn, tmp_path):
    """Copy the annotation files of a drawn set, for tests that break them; images are linked."""

    def copy(layout):
        source, scenes = drawn(layout)
        target = tmp_path / layout
        shutil.copytree(source, target, copy_function=_link_images)
        return target, scenes

    return copy


def _link_images(source, target):
    if source.endswith('.jpg'):
        target = str(target)
        import os

        os.link(source, target)
    else:
        shutil.copy2(source, target)
    return target


@pytest.fixture
def run_converter():
    """Convert a folder; returns the conversion and the content of its JSON files by split."""

    def run(layout, root, out_dir=None, *, strict=False):
        module = PARSERS[layout]
        done = convert(Converter(module.NAME, module.parse), root, out_dir, strict=strict)
        contents = {
            path.stem: json.loads(path.read_text()) for path in done.files if path.suffix == '.json'
        }
        return done, contents

    return run


@pytest.fixture
def make_image():
    """Write a small grey JPEG."""

    def make_one(path, size=(64, 48)):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((size[1], size[0], 3), 128, np.uint8)).save(path, 'JPEG')
        return path

    return make_one


@pytest.fixture
def small_split():
    """Three images, two queries; gallery entries (0: 1, 2), (1: 0, 2, 2)."""
    images = [ImageRecord(f'{k}.jpg', [Person((k, 1, 5, 6), k)], size=(9, 8)) for k in range(3)]
    queries = [Query('0.jpg', (0, 1, 5, 6), 0), Query('1.jpg', (1.5, 1, 5, 6), 1, camera_id=4)]
    boxes = np.arange(20, dtype=np.float32).reshape(5, 4)
    everything = Galleries(np.array([0, 2, 5]), np.array([1, 2, 0, 2, 2]), boxes)
    subset = Galleries(np.array([0, 2]), np.array([0, 2]), boxes[:2], np.array([1]))
    return Split('test', images, queries, {'50': everything, 'occlusion': subset})
