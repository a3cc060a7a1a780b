from __future__ import annotations

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.registry import init_default_scope
from PIL import Image, ImageOps

from mmps.structures import ConfigError

ORIENTATION = 0x0112
LOAD, KEEP, PEOPLE, PACK = ({'type': f'mmps.{name}'} for name in (
    'LoadScene', 'KeepOriginalImage', 'LoadPeople', 'PackPersonSearchInputs'
))  # fmt: skip
RESIZE = {'type': 'Resize', 'scale': (64, 64), 'keep_ratio': False}
BOXES = [[12.5, 40, 80, 110], [100, 20, 140, 90]]


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmdet')


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (120, 200, 3), dtype=np.uint8)


@pytest.fixture
def path(tmp_path, image):
    Image.fromarray(image).save(tmp_path / 'image.png')
    return tmp_path / 'image.png'


def run(path, *pipeline):
    people = [
        {'bbox': box, 'bbox_label': 0, 'ignore_flag': 0, 'person_id': 7 + k, 'ann_index': k}
        for k, box in enumerate(BOXES)
    ]
    return Compose(pipeline)({'img_path': str(path), 'img_id': 0, 'instances': people})


def test_the_sample_has_the_image_as_it_was_read(path, image):
    packed = run(path, LOAD, KEEP, RESIZE, PEOPLE, PACK)
    original = packed['data_samples'].original_image
    assert packed['inputs'].shape == (3, 64, 64)
    assert original.dtype == torch.uint8
    np.testing.assert_array_equal(original.permute(1, 2, 0).flip(2).numpy(), image)


def test_it_is_turned_as_exif_asks_for(tmp_path, image):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    path = tmp_path / 'image.jpg'
    Image.fromarray(np.kron(image, np.ones((4, 4, 1), np.uint8))).save(path, quality=98, exif=exif)
    original = run(path, LOAD, KEEP, RESIZE, PEOPLE, PACK)['data_samples'].original_image
    with Image.open(path) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture), dtype=np.float32)
    assert original.shape == (3, 800, 480)
    difference = original.permute(1, 2, 0).flip(2).numpy() - expected
    assert abs(difference).mean() < 1  # two decoders


def test_transforms_behind_it_do_not_write_into_it(path, image):
    def blacken(results):
        results['img'][:] = 0
        return results

    original = run(path, LOAD, KEEP, blacken, RESIZE, PEOPLE, PACK)['data_samples'].original_image
    np.testing.assert_array_equal(original.permute(1, 2, 0).flip(2).numpy(), image)


@pytest.mark.parametrize('flip', [0.0, 1.0])
def test_people_are_in_its_pixels_whatever_the_pipeline_did_to_their_boxes(path, flip):
    crop = {'type': 'RandomCrop', 'crop_size': (60, 30), 'allow_negative_crop': True}
    mirror = {'type': 'RandomFlip', 'prob': flip}
    np.random.seed(3)
    people = run(path, LOAD, KEEP, PEOPLE, RESIZE, crop, mirror, PACK)['data_samples'].gt_instances
    kept = people.ann_indices.tolist()
    assert people.image_bboxes.tolist() == [BOXES[index] for index in kept]
    assert len(people.bboxes) == len(kept) > 0


def test_without_it_samples_carry_nothing_more(path):
    sample = run(path, LOAD, PEOPLE, RESIZE, PACK)['data_samples']
    assert 'original_image' not in sample
    assert 'image_bboxes' not in sample.gt_instances


@pytest.mark.parametrize(
    'before',
    [
        [LOAD, RESIZE],
        [{'type': 'mmps.LoadResizedScene', 'scale': (64, 64)}],
        [LOAD, {'type': 'PhotoMetricDistortion'}],
    ],
    ids=['resized', 'read resized', 'other colours'],
)
def test_it_stands_directly_behind_the_reading(path, before):
    with pytest.raises(ConfigError, match=r'KeepOriginalImage received .* put it directly after'):
        run(path, *before, KEEP, PEOPLE, PACK)
