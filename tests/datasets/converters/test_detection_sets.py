"""CrowdHuman, CityPersons and COCO person: what counts as a person and what is ignored."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mmps.datasets.converters import citypersons, coco_person, crowdhuman
from mmps.datasets.converters.log import ConversionLog
from mmps.structures import DataError
from mmps.synthetic.matfile import cell_column, struct_array, write_mat


def test_crowdhuman(tmp_path, make_image):
    boxes = [
        {'tag': 'person', 'fbox': [-4, 6, 70, 80], 'vbox': [1, 1, 1, 1], 'extra': {'box_id': 0}},
        {'tag': 'person', 'fbox': [5, 6, 7, 8], 'extra': {'ignore': 1}},
        {'tag': 'mask', 'fbox': [9, 6, 7, 8]},
        {'tag': 'person', 'fbox': [3, 6, 7, 8], 'head_attr': {'ignore': 1}, 'extra': {}},
    ]
    lines = [{'ID': '273271,c9db', 'gtboxes': boxes}, {'ID': '1,a', 'gtboxes': []}]
    (tmp_path / 'annotation_val.odgt').write_text('\n'.join(map(json.dumps, lines)))
    make_image(tmp_path / 'CrowdHuman_val/Images/273271,c9db.jpg')
    log = ConversionLog()
    (val,) = crowdhuman.parse(tmp_path, log).splits
    assert [image.file_name for image in val.images] == [
        'CrowdHuman_val/Images/273271,c9db.jpg',
        'Images/1,a.jpg',
    ]
    assert [(p.bbox[0], p.ignore) for p in val.images[0].people] == [
        (-4, False),
        (5, True),
        (9, True),
        (3, False),
    ]
    assert any('annotation_train.odgt is missing' in line for line in log.lines)


@pytest.mark.parametrize('dtype', [np.uint8, np.int16, np.uint16])
def test_citypersons(tmp_path, dtype):
    boxes = [[1, 200, 9, 100, 120], [1, 1, 2, 20, 49], [1, 1, 2, 20, 50], [2, 1, 2, 30, 90],
             [0, 5, 5, 60, 60]]  # fmt: skip
    rows = np.zeros((5, 10), dtype)
    rows[:, :5] = boxes
    cells = [
        struct_array(
            [{'cityname': 'ulm', 'im_name': f'{k}.png', 'bbs': bbs}], ('cityname', 'im_name', 'bbs')
        )
        for k, bbs in enumerate([rows, np.zeros((0, 0))])
    ]
    write_mat(tmp_path / 'anno_val.mat', {'anno_val_aligned': cell_column(cells)})
    (val,) = citypersons.parse(tmp_path, ConversionLog()).splits
    assert [image.file_name for image in val.images] == [
        f'leftImg8bit/val/ulm/{k}.png' for k in (0, 1)
    ]
    assert [p.ignore for p in val.images[0].people] == [False, True, False, True, True]
    assert sum(val.images[0].people[0].bbox[::2]) == 300
    assert not val.images[1].people


def test_coco_person(tmp_path):
    content = {
        'categories': [{'id': 7, 'name': 'person'}, {'id': 3, 'name': 'car'}],
        'images': [{'id': k, 'file_name': f'{k:012d}.jpg'} for k in (4, 2, 9)],
        'annotations': [
            {'image_id': 2, 'category_id': 7, 'bbox': [1.5, 2, 3, 4], 'iscrowd': 0},
            {'image_id': 4, 'category_id': 7, 'bbox': [1, 2, 3, 4], 'iscrowd': 1},
            {'image_id': 9, 'category_id': 3, 'bbox': [1, 2, 3, 4], 'iscrowd': 0},
            {'image_id': 77, 'category_id': 7, 'bbox': [1, 2, 3, 4], 'iscrowd': 0},
        ],
    }
    (tmp_path / 'annotations').mkdir()
    (tmp_path / 'annotations/instances_val2017.json').write_text(json.dumps(content))
    log = ConversionLog()
    (val,) = coco_person.parse(tmp_path, log).splits
    assert [(i.file_name, [(p.bbox, p.ignore) for p in i.people]) for i in val.images] == [
        ('val2017/000000000004.jpg', [((1, 2, 3, 4), True)]),
        ('val2017/000000000002.jpg', [((1.5, 2, 3, 4), False)]),
    ]
    assert any('image that is not listed' in line for line in log.lines)


@pytest.mark.parametrize('value', ['0', 'false', 2])
def test_what_is_no_flag_makes_no_ignore_region(tmp_path, make_image, value):
    (tmp_path / 'annotations').mkdir()
    box = {'image_id': 2, 'category_id': 7, 'bbox': [1, 2, 3, 4], 'iscrowd': value}
    content = {
        'categories': [{'id': 7, 'name': 'person'}],
        'images': [{'id': 2, 'file_name': 'a.jpg'}],
        'annotations': [box],
    }
    (tmp_path / 'annotations/instances_val2017.json').write_text(json.dumps(content))
    with pytest.raises(DataError, match=r'annotations\[0\].*iscrowd.*is not 0 or 1'):
        coco_person.parse(tmp_path, ConversionLog())
    make_image(tmp_path / 'Images/1,a.jpg')
    record = {'ID': '1,a', 'gtboxes': [{'tag': 'person', 'fbox': [1, 2, 3, 4]}]}
    record['gtboxes'][0]['extra'] = {'ignore': value}
    (tmp_path / 'annotation_val.odgt').write_text(json.dumps(record))
    with pytest.raises(DataError, match=r'annotation_val.*ignore.*is not 0 or 1'):
        crowdhuman.parse(tmp_path, ConversionLog())


@pytest.mark.parametrize('module', [crowdhuman, citypersons, coco_person])
def test_other_folders_are_refused(tmp_path, module):
    with pytest.raises(DataError, match=f'is not {module.NAME}: neither it nor its sub-folder'):
        module.parse(tmp_path, ConversionLog())
