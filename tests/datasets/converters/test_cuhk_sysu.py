"""What is special about CUHK-SYSU; the round trip is in test_convert.py."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import loadmat

from mmps.structures import UNLABELLED, DataError
from mmps.synthetic.matfile import struct_array, write_mat

G50 = 'annotation/test/train_test/TestG50.mat'


def edit(path, variable, change):
    content = loadmat(path)[variable]
    change(content)
    write_mat(path, {variable: content})


def image_of(content, name):
    return next(i['id'] for i in content['images'] if i['file_name'].endswith(f'/{name}'))


def test_of_equal_boxes_the_first_gets_the_identity(copy_of, run_converter):
    root, _ = copy_of('cuhk_sysu')
    person = loadmat(root / 'annotation/test/train_test/Train.mat')['Train'][0, 0][0, 0]
    entry = person['scene'][0, 0]
    name, bbox = entry['imname'][0], entry['idlocate'][0].tolist()

    def double(images):
        row = next(row for row in images.ravel() if row['imname'][0] == name)
        row['box'] = np.concatenate([row['box'], row['box']], axis=1)

    edit(root / 'annotation/Images.mat', 'Img', double)
    content = run_converter('cuhk_sysu', root)[1]['train']
    image_id = image_of(content, name)
    ids = [
        a['person_id']
        for a in content['annotations']
        if a['image_id'] == image_id and a['bbox'] == bbox
    ]
    assert ids == [0, UNLABELLED]


def test_repeated_entries_stay_in_their_order(copy_of, run_converter):
    root, _ = copy_of('cuhk_sysu')

    def repeat(rows):
        gallery = rows[0, 1]['Gallery']
        rows[0, 1]['Gallery'] = np.concatenate([gallery, gallery[:, :2]], axis=1)

    before = {row['Gallery'].shape[1] for row in loadmat(root / G50)['TestG50'][0]}
    edit(root / G50, 'TestG50', repeat)
    run_converter('cuhk_sysu', root)
    stored = np.load(root / 'mmps/galleries_50.npz', allow_pickle=False)
    entries = stored['image_ids'][slice(*stored['offsets'][1:3])].tolist()
    assert len(entries) - 2 in before
    assert entries[-2:] == entries[:2]


def test_an_appearance_without_a_box_is_logged(copy_of, run_converter):
    root, _ = copy_of('cuhk_sysu')

    def move(rows):
        rows[0, 0]['Gallery'][0, 0]['idlocate'] = np.array([[3, 3, 3, 3]])

    edit(root / G50, 'TestG50', move)
    done, _ = run_converter('cuhk_sysu', root)
    assert any('without an equal box in Images.mat' in line for line in done.log.lines)
    stored = np.load(root / 'mmps/galleries_50.npz', allow_pickle=False)
    assert stored['bboxes'][0].tolist() == [3, 3, 3, 3]


def test_sizes_with_other_queries_are_refused(copy_of, run_converter):
    root, _ = copy_of('cuhk_sysu')
    rows = loadmat(root / G50)['TestG50'][:, ::-1]
    fields = [{name: row[name] for name in rows.dtype.names} for row in rows[0]]
    path = root / 'annotation/test/train_test/TestG100.mat'
    write_mat(path, {'TestG100': struct_array(fields, rows.dtype.names)})
    with pytest.raises(DataError, match=r'TestG100\.mat has other queries than TestG50\.mat'):
        run_converter('cuhk_sysu', root)


def test_without_any_protocol_it_is_refused(copy_of, run_converter):
    root, _ = copy_of('cuhk_sysu')
    (root / G50).unlink()
    with pytest.raises(DataError, match=r'holds no TestG50\.mat \.\.\. TestG4000\.mat'):
        run_converter('cuhk_sysu', root)


def test_subset_queries_that_no_protocol_has_are_dropped(copy_of, run_converter):
    root, _ = copy_of('cuhk_sysu')
    path = root / 'annotation/test/subset/Resolution.mat'

    def move(rows):
        rows[0, 0]['Query'][0, 0]['idlocate'] = np.array([[3, 3, 3, 3]])

    total = loadmat(path)['Test_Size'].shape[1]
    edit(path, 'Test_Size', move)
    done, _ = run_converter('cuhk_sysu', root)
    stored = np.load(root / 'mmps/galleries_resolution.npz', allow_pickle=False)
    assert len(stored['query_index']) == total - 1
    assert any('dropped a query that the TestG files lack' in line for line in done.log.lines)
