from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from mmdet.datasets import CocoDataset
from mmengine.dataset import ConcatDataset
from mmengine.registry import init_default_scope

from mmps.datasets import PersonSearchDataset
from mmps.structures import DataError

PACK = {'type': 'mmps.PackPersonSearchInputs'}
OURS = [{'type': 'mmps.LoadScene'}, {'type': 'mmps.LoadPeople'}, PACK]
MMDETS = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations', 'with_bbox': True}, PACK]


@pytest.mark.parametrize('pipeline', [OURS, MMDETS], ids=['ours', 'mmdet'])
def test_a_data_set_of_mmdet_is_told_from_ours(tmp_path, pipeline):
    init_default_scope('mmdet')
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((60, 80, 3), np.uint8))
    content = {
        'images': [{'id': 1, 'file_name': 'a.png', 'width': 80, 'height': 60}],
        'annotations': [
            {'id': 1, 'image_id': 1, 'category_id': 1, 'bbox': [5, 5, 20, 40], 'area': 800,
             'iscrowd': 0, 'person_id': 3}
        ],
        'categories': [{'id': 1, 'name': 'person'}],
    }  # fmt: skip
    (tmp_path / 'a.json').write_text(json.dumps(content))
    common = {'ann_file': 'a.json', 'data_root': str(tmp_path), 'pipeline': pipeline}
    ours = PersonSearchDataset(**common)
    theirs = CocoDataset(metainfo={'classes': ('person',)}, data_prefix={'img': ''}, **common)
    joined = ConcatDataset([ours, theirs], ignore_keys=['classes', 'palette', 'dataset_type'])
    assert joined[0]['data_samples'].gt_instances.person_ids.tolist() == [3]
    with pytest.raises(DataError, match=r'a\.png.*CocoDataset.*use mmps\.PersonSearchDataset'):
        joined[1]
