"""CUHK-SYSU at its full size: the official numbers of images, boxes, identities and entries."""

from __future__ import annotations

import importlib.util
import os
import time
from pathlib import Path

import numpy as np
import pytest

from mmps.datasets.converters import Converter, convert, cuhk_sysu
from mmps.datasets.converters.cuhk_sysu import OFFICIAL_COUNTS

IMAGES, TEST_IMAGES, TRAIN_PEOPLE, TEST_PEOPLE = 18184, 6978, 5532, 2900
BOXES = {'train': 55272, 'test': 40871}
GALLERY_SIZES = (50, 100, 500, 1000, 2000, 4000)
MAX_SECONDS = 120


def load_raw():
    spec = importlib.util.spec_from_file_location('raw_mat', Path(__file__).parent / 'raw_mat.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def spread(total, parts):
    """Divide a number into nearly equal parts."""
    return [len(part) for part in np.array_split(np.arange(total), parts)]


def box_of(image, k):
    return (1 + 90 * k, 1 + image % 200, 60, 150 + k)


def write_set(root, make_image, sizes):
    """Write the annotation files, every image a link to the same small one.

    Test images come first. Identity k of a split is box 0 of the split's images 2 k and
    2 k + 1 (modulo their number), box 1 where box 0 is taken already.
    """
    raw = load_raw()
    small = make_image(root / 'small.jpg')
    (root / 'Image/SSM').mkdir(parents=True)
    for number in range(IMAGES):
        os.link(small, root / f'Image/SSM/s{number}.jpg')
    hard = raw.numbers([0], 'u1')
    counts = spread(BOXES['test'], TEST_IMAGES) + spread(BOXES['train'], IMAGES - TEST_IMAGES)

    def entry(image, k):
        return (raw.text(f's{image}.jpg'), raw.numbers(box_of(image, k), 'u2'), hard)

    rows = []
    for image, count in enumerate(counts):
        boxes = [(raw.numbers(box_of(image, k), 'u2'), hard) for k in range(count)]
        struct = raw.struct_array(boxes, ('idlocate', 'ishard'))
        rows.append((raw.text(f's{image}.jpg'), raw.numbers([count], 'u1'), struct))
    folder = root / 'annotation'
    fields = ('imname', 'idlocate', 'ishard')
    raw.write(folder / 'Images.mat', raw.struct_array(rows, ('imname', 'nAppear', 'box'), b'Img'))
    pool = [raw.text(f's{image}.jpg') for image in range(TEST_IMAGES)]
    raw.write(folder / 'pool.mat', raw.cell_column(pool, b'pool'))
    people = []
    for k in range(TRAIN_PEOPLE):
        scene = raw.struct_array([entry(TEST_IMAGES + 2 * k + i, 0) for i in (0, 1)], fields)
        person = (raw.text(f'p{k}'), raw.numbers([2], 'u1'), scene)
        people.append(raw.struct_array([person], ('idname', 'nAppear', 'scene')))
    raw.write(folder / 'test/train_test/Train.mat', raw.cell_column(people, b'Train'))
    for size in sizes:
        write_galleries(raw, folder, size, entry)


def write_galleries(raw, folder, size, entry):
    """Write the gallery file of a size: each query's person in the next image, then strangers."""
    fields = ('imname', 'idlocate', 'ishard')
    empty = raw.numbers([], 'f8')
    absent = [b''.join((raw.text(f's{image}.jpg'), empty, empty)) for image in range(TEST_IMAGES)]
    rows = []
    for k in range(TEST_PEOPLE):
        query = raw.struct_array([(*entry(2 * k, 0), raw.text(f'p{k}'))], (*fields, 'idname'))
        others = [(absent[(2 * k + 2 + i) % TEST_IMAGES],) for i in range(size - 1)]
        gallery = raw.struct_array([entry(2 * k + 1, 0), *others], fields)
        rows.append((query, gallery))
    variable = raw.struct_array(rows, ('Query', 'Gallery'), f'TestG{size}'.encode())
    raw.write(folder / f'test/train_test/TestG{size}.mat', variable)


@pytest.mark.long
@pytest.mark.parametrize('sizes', [(100,), GALLERY_SIZES])
def test_the_full_size_converts_in_two_minutes(tmp_path, make_image, sizes):
    write_set(tmp_path / 'set', make_image, sizes)
    begin = time.perf_counter()
    converter = Converter(cuhk_sysu.NAME, cuhk_sysu.parse)
    done = convert(converter, tmp_path / 'set')
    seconds = time.perf_counter() - begin
    print(f'converted with {len(sizes)} gallery sizes in {seconds:.1f} s')
    assert seconds < MAX_SECONDS
    for split in done.splits:
        found = split.counts()
        assert {key: found[key] for key in OFFICIAL_COUNTS[split.name]} == OFFICIAL_COUNTS[
            split.name
        ]
        assert found['labelled'] == 2 * found['identities']
    assert not any('published' in line for line in done.log.lines)
    for size in sizes:
        assert len(done.splits[1].galleries[str(size)].images) == TEST_PEOPLE * size
