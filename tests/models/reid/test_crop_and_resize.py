from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from mmps.models.reid import CropAndResize
from mmps.models.reid.crop_and_resize import crop_and_resize, pixel_windows

WIDTH, HEIGHT = 320, 240
OUT = (64, 32)


def noise(height=HEIGHT, width=WIDTH, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=generator)


def rois(boxes, owner=0):
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return torch.cat([torch.full((len(boxes), 1), float(owner)), boxes], dim=1)


def by_pillow(image, box, size=OUT):
    """What a user of Pillow would get; a box of whole pixels inside of the image."""
    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    crop = picture.crop(tuple(int(x) for x in box)).resize(size[::-1], Image.BILINEAR)
    return torch.from_numpy(np.array(crop)).permute(2, 0, 1).float()


@pytest.mark.parametrize('size', [OUT, (256, 128), (5, 90)])
def test_crops_are_those_of_pillow(size):
    rng = np.random.default_rng(0)
    first = rng.integers(0, (WIDTH - 1, HEIGHT - 1), (30, 2))
    last = rng.integers(first + 1, (WIDTH + 1, HEIGHT + 1))
    boxes = np.concatenate([first, last], axis=1).tolist()
    image = noise()
    crops = crop_and_resize([image], rois(boxes), size)
    assert crops.shape == (30, 3, *size)
    assert torch.equal(crops, crops.round())
    for crop, box in zip(crops, boxes, strict=True):
        torch.testing.assert_close(crop, by_pillow(image, box, size), atol=1, rtol=0)


def test_memory_order_of_the_image_does_not_matter():
    rows = noise().permute(1, 2, 0).contiguous().permute(2, 0, 1)
    assert not rows.is_contiguous()
    boxes = rois([[10, 20, 200, 220]])
    assert torch.equal(crop_and_resize([rows], boxes, OUT), crop_and_resize([noise()], boxes, OUT))


def test_what_is_finer_than_the_crop_is_averaged_not_picked():
    stripes = torch.zeros(3, 256, 256, dtype=torch.uint8)
    stripes[:, :, ::4] = 255
    crop = crop_and_resize([stripes], rois([[0, 0, 256, 256]]), (32, 32))
    assert (crop[..., 1:-1] - 255 / 4).abs().max() <= 2


@pytest.mark.parametrize(
    ('box', 'window'),
    [
        ([10.4, 20.6, 50.6, 99.4], [10, 21, 51, 99]),
        ([-30, -8.5, 40, 70], [0, 0, 40, 70]),
        ([300, 200, 400, 900], [300, 200, 320, 240]),
        ([-1e9, -1e9, 1e9, 1e9], [0, 0, 320, 240]),
        ([-50, 10, -20, 60], [0, 10, 1, 60]),
        ([400, 300, 500, 400], [319, 239, 320, 240]),
        ([30.2, 40.3, 30.4, 40.4], [30, 40, 31, 41]),
        ([50, 60, 40, 30], [50, 60, 51, 61]),
        ([float('nan'), 5, float('inf'), float('-inf')], [0, 5, 320, 6]),
    ],
)
def test_boxes_are_rounded_and_cut_off_at_the_image(box, window):
    found = pixel_windows(torch.tensor([box]), torch.tensor([[WIDTH, HEIGHT]]))
    assert found.tolist() == [window]
    image = noise()
    crop = crop_and_resize([image], rois([box]), OUT)[0]
    torch.testing.assert_close(crop, by_pillow(image, window), atol=1, rtol=0)


def test_images_of_different_sizes_are_cut_as_one_by_one():
    images = [noise(240, 320), noise(500, 90, seed=1), noise(16, 16, seed=2)]
    boxes = [[[5, 5, 60, 200]], [[10, 20, 80, 480], [0, 0, 90, 500]], [[-5, 3, 9, 40]]]
    batch = torch.cat([rois(b, owner) for owner, b in enumerate(boxes)])
    together = crop_and_resize(images, batch[[3, 0, 2, 1]], OUT)
    alone = [crop_and_resize([i], rois(b), OUT) for i, b in zip(images, boxes, strict=True)]
    assert torch.equal(together, torch.cat(alone)[[3, 0, 2, 1]])


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_of_boxes_does_not_reach_the_size_of_the_image(dtype):
    image = noise(16, 3001)
    boxes = rois([[2944, 0, 3200, 16]])
    assert torch.equal(boxes.to(dtype).float(), boxes)
    found = crop_and_resize([image], boxes.to(dtype), OUT)
    assert found.dtype == torch.float32
    assert torch.equal(found, crop_and_resize([image], boxes, OUT))


def test_nobody_is_no_crop():
    assert crop_and_resize([noise()], rois([]), OUT).shape == (0, 3, *OUT)
    assert crop_and_resize([], rois([]), OUT).shape == (0, 3, *OUT)


def test_channels_are_swapped_on_demand():
    boxes = rois([[10, 20, 60, 200]])
    plain, swapped = (CropAndResize(OUT, swap)([noise()], boxes) for swap in (False, True))
    assert torch.equal(swapped, plain[:, [2, 1, 0]])


def test_settings_are_told_for_fingerprints():
    described = {
        repr(CropAndResize(size, swap)) for size in (OUT, (8, 4)) for swap in (False, True)
    }
    assert len(described) == 4


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_a_gpu_cuts_the_same_crops():
    boxes = rois([[5, 5, 60, 200], [0, 0, 320, 240], [30.2, 40.3, 30.4, 40.4]])
    expected = crop_and_resize([noise()], boxes, OUT)
    found = crop_and_resize([noise().cuda()], boxes.cuda(), OUT)
    torch.testing.assert_close(found.cpu(), expected, atol=1, rtol=0)
