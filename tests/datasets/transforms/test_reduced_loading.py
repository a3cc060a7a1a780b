from __future__ import annotations

import cv2
import numpy as np
import pytest
from mmcv.transforms import Compose
from mmengine.registry import init_default_scope
from PIL import Image

from mmps.datasets import PersonSearchDataset
from mmps.datasets.transforms import reduced_loading
from mmps.datasets.transforms.reduced_loading import jpeg_size, reduction
from mmps.structures import DataError

BOX = [12.5, 40.0, 80.0, 210.0]
ORIENTATION = 0x0112


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmdet')


@pytest.fixture
def image(tmp_path):
    """A smooth JPEG of 401x301 pixels: neither side is a multiple of 8."""
    y, x = np.mgrid[:301, :401] / 150
    waves = [127 + 120 * np.sin(x * a + y * b) for a, b in ((1, 0.5), (0.3, 1), (0.7, 0.7))]
    path = tmp_path / 'image.jpg'
    Image.fromarray(np.stack(waves, 2).astype(np.uint8)).save(path, quality=95)
    return path


def run(path, *transforms, boxes_first=False):
    people = {'type': 'mmps.LoadPeople'}
    order = [people, *transforms] if boxes_first else [*transforms, people]
    if boxes_first and len(transforms) > 1:
        order = [transforms[0], people, *transforms[1:]]
    instance = {'bbox': BOX, 'bbox_label': 0, 'ignore_flag': 0}
    return Compose(order)({'img_path': str(path), 'instances': [instance]})


def ordinary(path, scale, boxes_first=False, **kwargs):
    load, resize = {'type': 'mmps.LoadScene'}, {'type': 'Resize', 'scale': scale, **kwargs}
    return run(path, load, resize, boxes_first=boxes_first)


def fast(path, scale, boxes_first=False, **kwargs):
    load = {'type': 'mmps.LoadResizedScene', 'scale': scale, **kwargs}
    return run(path, load, boxes_first=boxes_first)


def check_equal(found, expected, mean_difference):
    assert found['img'].shape == expected['img'].shape
    assert found['img'].dtype == np.uint8
    for key in ('img_shape', 'ori_shape', 'scale', 'keep_ratio', 'scale_factor'):
        assert found[key] == expected[key], key
    boxes = [results['gt_bboxes'].tensor.numpy() for results in (found, expected)]
    np.testing.assert_array_equal(*boxes)
    np.testing.assert_array_equal(found['homography_matrix'], expected['homography_matrix'])
    difference = np.abs(found['img'].astype(float) - expected['img'])
    assert difference.mean() < mean_difference


@pytest.mark.parametrize('boxes_first', [True, False], ids=['training', 'test'])
@pytest.mark.parametrize('keep_ratio', [True, False])
def test_results_are_those_of_the_two_transforms(image, keep_ratio, boxes_first):
    for scale in [(401, 301), (300, 290), (200, 150), (100, 70), (48, 36)]:
        options = {'keep_ratio': keep_ratio, 'boxes_first': boxes_first}
        check_equal(fast(image, scale, **options), ordinary(image, scale, **options), 2.0)


def test_the_decoder_makes_it_smaller(image, monkeypatch):
    shapes = []
    resize = reduced_loading.mmcv.imresize

    def watched(image, *args, **kwargs):
        shapes.append(image.shape)
        return resize(image, *args, **kwargs)

    monkeypatch.setattr(reduced_loading.mmcv, 'imresize', watched)
    for scale in ((201, 151), (202, 151), (50, 38)):
        fast(image, scale)
    fast(image, (202, 151), least=0.9)
    assert shapes == [(151, 201, 3), (301, 401, 3), (38, 51, 3), (151, 201, 3)]


@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_rotation(image, orientation, tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    turned = tmp_path / 'turned.jpg'
    Image.open(image).save(turned, quality=95, exif=exif)
    expected = ordinary(turned, (60, 100))
    assert expected['ori_shape'] == ((301, 401) if orientation < 5 else (401, 301))
    check_equal(fast(turned, (60, 100)), expected, 2.0)


def test_where_headers_are_read_differently_the_decoder_is_right(image, monkeypatch):
    monkeypatch.setattr(reduced_loading, 'jpeg_size', lambda data: (301, 401))
    check_equal(fast(image, (100, 70)), ordinary(image, (100, 70)), 0.001)


def test_a_broken_header_is_left_to_the_decoder(image):
    data = image.read_bytes()
    exif = b'Exif\0\0' + b'nonsense'
    segment = b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif
    image.write_bytes(data[:2] + segment + data[2:])
    check_equal(fast(image, (100, 70)), ordinary(image, (100, 70)), 2.0)


def test_other_formats_are_decoded_as_ever(image, tmp_path):
    path = tmp_path / 'image.png'
    cv2.imwrite(str(path), cv2.imread(str(image)))
    assert jpeg_size(path.read_bytes()) is None
    check_equal(fast(path, (100, 70)), ordinary(path, (100, 70)), 0.001)


@pytest.mark.parametrize(
    ('full', 'wanted', 'least', 'factor'),
    [
        ((1920, 1080), (640, 640), 1.0, 1),
        ((1920, 1080), (640, 640), 0.84, 2),
        ((1920, 1080), (640, 360), 1.0, 2),
        ((1920, 1080), (480, 270), 1.0, 4),
        ((1920, 1080), (481, 270), 1.0, 2),
        ((1920, 1080), (64, 36), 1.0, 8),
        ((100, 100), (640, 640), 1.0, 1),
    ],
)
def test_how_much_smaller(full, wanted, least, factor):
    assert reduction(full, wanted, least) == factor


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        (lambda data: None, r'cannot be read \(No such file or directory\): restore the image'),
        (lambda data: b'', r'is no readable image, or cut short \(0 bytes\): download it again'),
        (lambda data: data[:2] + b'no image', 'is no readable image, or cut short'),
        (lambda data: data[: len(data) // 2], 'is no readable image, or cut short'),
    ],
    ids=['missing', 'empty', 'no image', 'cut'],
)
def test_an_unreadable_image_gives_the_usual_sentence(image, change, sentence):
    data = change(image.read_bytes())
    image.unlink()
    if data is not None:
        image.write_bytes(data)
    with pytest.raises(DataError, match=sentence) as error:
        fast(image, (100, 70))
    assert str(image) in str(error.value)


def test_a_data_set_uses_it_in_one_line(drawn_set):
    load = {'type': 'mmps.LoadResizedScene', 'scale': (160, 128)}
    rest = [{'type': 'mmps.LoadPeople'}, {'type': 'mmps.PackPersonSearchInputs'}]
    data = PersonSearchDataset(
        ann_file='mmps/test.json', data_root=str(drawn_set), pipeline=[load, *rest], test_mode=True
    )
    packed = data[0]
    assert packed['inputs'].shape == (3, 128, 160)
    size = data.get_data_info(0)['width'], data.get_data_info(0)['height']
    assert packed['data_samples'].scale_factor == (160 / size[0], 128 / size[1])


@pytest.mark.parametrize('load', [ordinary, fast], ids=['LoadScene', 'LoadResizedScene'])
def test_a_film_behind_an_image_is_passed_over(image, load, tmp_path):
    film = tmp_path / 'motion_photo.jpg'
    film.write_bytes(image.read_bytes() + b'ftypmp42' + bytes(20_000))
    np.testing.assert_array_equal(load(film, (160, 120))['img'], load(image, (160, 120))['img'])
    film.write_bytes(image.read_bytes()[:-2] + bytes(20_000))
    with pytest.raises(DataError, match='is no readable image, or cut short'):
        load(film, (160, 120))
