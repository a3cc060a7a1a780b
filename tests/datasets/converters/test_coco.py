from __future__ import annotations

import numpy as np

from mmps.datasets.converters.coco import to_coco, write_split


def test_coco_has_everything_and_whole_numbers_stay_whole(small_split):
    content = to_coco(small_split, 'A set')
    assert [image['id'] for image in content['images']] == [1, 2, 3]
    assert content['images'][0] == {
        'id': 1,
        'file_name': '0.jpg',
        'width': 9,
        'height': 8,
        'camera_id': None,
    }
    assert content['annotations'][1] == {
        'id': 2,
        'image_id': 2,
        'category_id': 1,
        'bbox': [1, 1, 5, 6],
        'area': 30,
        'iscrowd': 0,
        'person_id': 1,
    }
    assert content['queries'][1] == {
        'image_id': 2,
        'bbox': [1.5, 1, 5, 6],
        'person_id': 1,
        'camera_id': 4,
    }
    assert all(isinstance(value, int) for value in content['annotations'][0]['bbox'])


def test_galleries_are_written_with_image_ids(tmp_path, small_split):
    files = write_split(tmp_path, small_split, 'A set')
    assert [path.name for path in files] == [
        'test.json',
        'galleries_50.npz',
        'galleries_occlusion.npz',
    ]
    stored = np.load(files[1], allow_pickle=False)
    assert stored['image_ids'].tolist() == [2, 3, 1, 3, 3]
    assert set(stored) == {'offsets', 'image_ids', 'bboxes'}
    assert np.load(files[2], allow_pickle=False)['query_index'].tolist() == [1]
