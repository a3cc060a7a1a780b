from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.io import loadmat

from mmps.synthetic import Recipe, make
from mmps.synthetic.layouts.cuhk_sysu import appearances, official_box


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp('cuhk') / 'set'
    scenes = make(root, Recipe('cuhk_sysu', 'a', 3, 150, 60), workers=2)
    return root, scenes


def load(drawn, name, variable):
    return loadmat(drawn[0] / 'annotation' / name)[variable]


def test_variables_and_shapes_are_the_official_ones(drawn):
    _, scenes = drawn
    pool = [scene for scene in scenes if scene.spec.split == 'test']
    assert load(drawn, 'Images.mat', 'Img').shape == (1, len(scenes))
    assert load(drawn, 'pool.mat', 'pool').shape == (len(pool), 1)
    people = len(appearances(scenes, 'train')), len(appearances(scenes, 'test'))
    assert load(drawn, 'Person.mat', 'Person').shape == (1, sum(people))
    assert load(drawn, 'test/train_test/Train.mat', 'Train').shape == (people[0], 1)
    assert load(drawn, 'test/train_test/TestG50.mat', 'TestG50').shape == (1, people[1])
    assert load(drawn, 'test/subset/Occlusion.mat', 'Occlusion1').dtype.names[-1] == 'occlusion'
    assert load(drawn, 'test/subset/Resolution.mat', 'Test_Size').shape[0] == 1
    assert not (drawn[0] / 'annotation/test/train_test/TestG100.mat').exists()


def test_images_mat_nests_like_the_official_file(drawn):
    scene = drawn[1][4]
    struct = load(drawn, 'Images.mat', 'Img').squeeze()[4]
    assert struct['imname'][0] == scene.file_name.rsplit('/', 1)[-1]
    assert struct['nAppear'][0, 0] == struct['box'].shape[1] == len(scene.people)
    boxes = [tuple(box['idlocate'][0].tolist()) for box in struct['box'][0]]
    assert boxes == [official_box(scene, person) for person in scene.people]
    assert struct['box'][0, 0]['ishard'].dtype == np.uint8


def test_boxes_are_stored_so_small_that_sums_overflow(drawn):
    stored = [
        box['idlocate']
        for struct in load(drawn, 'Images.mat', 'Img').squeeze()
        for box in struct['box'].ravel()
    ]
    assert {box.dtype for box in stored} == {np.dtype(np.uint8), np.dtype(np.uint16)}
    narrow = [box[0].astype(int) for box in stored if box.dtype == np.uint8]
    assert any(box[0] + box[2] > 255 or box[1] + box[3] > 255 for box in narrow)
    assert any(0 in box[2:] for box in narrow)


def test_every_query_is_searched_in_a_gallery_like_the_official_ones(drawn):
    rows = load(drawn, 'test/train_test/TestG50.mat', 'TestG50')
    pool = {cell[0] for cell in load(drawn, 'pool.mat', 'pool').ravel()}
    duplicated = 0
    for row in rows[0]:
        query, gallery = row['Query'][0, 0], row['Gallery'][0]
        assert row['Query'].dtype.names == ('imname', 'idlocate', 'ishard', 'idname')
        assert row['Gallery'].dtype.names == ('imname', 'idlocate', 'ishard')
        names = [entry['imname'][0] for entry in gallery]
        assert len(names) == 50
        assert query['imname'][0] in pool - set(names)
        assert set(names) <= pool
        absent = [entry['idlocate'].size == 0 for entry in gallery]
        assert absent == sorted(absent)
        assert not absent[0]
        empty = gallery[-1]
        assert empty['idlocate'].shape == empty['ishard'].shape == (1, 0)
        assert empty['idlocate'].dtype == empty['ishard'].dtype == np.float64
        duplicated += max(Counter(names).values()) - 1
    assert duplicated == 1


def test_galleries_hold_every_other_appearance(drawn):
    rows = load(drawn, 'test/train_test/TestG50.mat', 'TestG50')[0]
    seen = appearances(drawn[1], 'test')
    for row in rows:
        identity = int(row['Query'][0, 0]['idname'][0][1:]) - 1
        found = {row['Query'][0, 0]['imname'][0]}
        found |= {e['imname'][0] for e in row['Gallery'][0] if e['idlocate'].size}
        assert found == {appearance.name for appearance in seen[identity]}


def test_official_boxes_are_whole_numbers_inside_the_image(drawn):
    for scene in drawn[1]:
        for person in scene.people:
            x, y, w, h = official_box(scene, person)
            assert x >= 1
            assert y >= 1
            assert x + w <= scene.width
            assert y + h <= scene.height
            assert min(w, h) > 0
            if person.box[0] >= 1 and person.box[0] + person.box[2] <= scene.width:
                assert (x, w) == pytest.approx((person.box[0], person.box[2]), abs=1)


def test_a_pool_too_small_for_50_still_has_a_gallery(tmp_path):
    make(tmp_path / 'set', Recipe('cuhk_sysu', 'a', 0, 12, 4))
    path = tmp_path / 'set/annotation/test/train_test/TestG50.mat'
    pool = loadmat(tmp_path / 'set/annotation/pool.mat')['pool']
    rows = loadmat(path)['TestG50'][0]
    assert {row['Gallery'].shape[1] for row in rows} == {len(pool) - 1}
