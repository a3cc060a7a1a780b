from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from mmps.datasets.converters import coco
from mmps.datasets.converters.coco import to_coco, write_split
from mmps.formats.annotations import listing_digest


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
    assert set(stored) == {'offsets', 'image_ids', 'bboxes', 'listing'}
    assert np.load(files[2], allow_pickle=False)['query_index'].tolist() == [1]


def test_galleries_carry_the_digest_of_their_annotation_file(tmp_path, small_split):
    files = write_split(tmp_path, small_split, 'A set')
    expected = listing_digest(json.loads(files[0].read_text()))
    assert [str(np.load(file)['listing']) for file in files[1:]] == [expected] * 2


CHANGES = {
    'an image has another name': lambda c: c['images'][0].update(file_name='9.jpg'),
    'images are renumbered': lambda c: c['images'][2].update(id=4),
    'a query has another box': lambda c: c['queries'][1].update(bbox=[1, 1, 5, 6]),
    'a query is in another image': lambda c: c['queries'][1].update(image_id=3),
    'queries change places': lambda c: c['queries'].reverse(),
}


@pytest.mark.parametrize('change', CHANGES.values(), ids=CHANGES)
def test_digest_changes_with(small_split, change):
    content = to_coco(small_split, 'A set')
    changed = copy.deepcopy(content)
    change(changed)
    assert listing_digest(changed) != listing_digest(content)


def test_digest_stays_where_people_are_corrected(small_split):
    content = to_coco(small_split, 'A set')
    changed = copy.deepcopy(content)
    changed['annotations'][0].update(person_id=-1, bbox=[0, 0, 1, 1])
    changed['images'].reverse()
    assert listing_digest(changed) == listing_digest(content)


def test_galleries_of_an_earlier_conversion_go_first(tmp_path, small_split, monkeypatch):
    """Killed at the new annotation file, a conversion leaves no galleries of the old one."""
    write_split(tmp_path, small_split, 'A set')

    def killed(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(coco, 'write_json', killed)
    with pytest.raises(KeyboardInterrupt):
        write_split(tmp_path, small_split, 'A set')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['test.json']


def test_galleries_that_are_not_written_again_go(tmp_path, small_split):
    write_split(tmp_path, small_split, 'A set')
    del small_split.galleries['occlusion']
    write_split(tmp_path, small_split, 'A set')
    assert [path.name for path in tmp_path.glob('*.npz')] == ['galleries_50.npz']


def test_training_split_leaves_galleries_alone(tmp_path, small_split):
    write_split(tmp_path, small_split, 'A set')
    small_split.name = 'train'
    small_split.galleries = {}
    write_split(tmp_path, small_split, 'A set')
    assert len(list(tmp_path.glob('galleries_*.npz'))) == 2
