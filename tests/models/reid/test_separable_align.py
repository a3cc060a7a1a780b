from __future__ import annotations

import pytest
import torch
from mmcv.ops import roi_align

from mmps.models.reid import RoIPooling
from mmps.models.reid.separable_align import separable_roi_align

STRIDES = [(4, (32, 16)), (8, (16, 8)), (16, (8, 4)), (1, (16, 8)), (4, (5, 3))]


def feature(stride, channels=3, images=2, side=128):
    generator = torch.Generator().manual_seed(stride)
    return torch.randn(images, channels, side // stride, side // stride + 3, generator=generator)


def random_rois(count=60):
    """Boxes of all sizes, some of them partly or completely outside the image."""
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(count, 2, generator=generator) * 200 - 40
    size = torch.rand(count, 2, generator=generator) ** 3 * 150
    image = torch.arange(count)[:, None] % 2
    return torch.cat([image, corner, corner + size], dim=1)


@pytest.fixture(params=[(3, torch.contiguous_format), (24, torch.channels_last)], ids=str)
def maps(request):
    """Features by stride, in the layouts that are pooled in different ways."""
    channels, layout = request.param
    return lambda stride: feature(stride, channels).contiguous(memory_format=layout)


@pytest.mark.parametrize(('stride', 'size'), STRIDES)
def test_equals_mmcv(maps, stride, size):
    for ratio in [0, 1, 3]:
        rois = random_rois()
        expected = roi_align(maps(stride).contiguous(), rois, size, 1 / stride, ratio, 'avg', True)
        found = separable_roi_align(maps(stride), rois, size, 1 / stride, ratio)
        torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)
        assert found.is_contiguous()


def test_equals_mmcv_at_borders_and_for_empty_boxes(maps):
    for box in [
        [0, 0, 128, 128],
        [16, 16, 16, 80],
        [20, 20, 20, 20],
        [-500, -500, -400, -300],
        [127, 127, 400, 400],
        [32, 32, 96, 160],
        [-64, -64, 300, 300],
    ]:
        rois = torch.tensor([[1.0, *box]])
        expected = roi_align(maps(8).contiguous(), rois, (16, 8), 1 / 8, 0, 'avg', True)
        found = separable_roi_align(maps(8), rois, (16, 8), 1 / 8)
        torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)


def test_any_memory_layout():
    maps, rois = feature(8), random_rois(10)
    expected = separable_roi_align(maps, rois, (16, 8), 1 / 8)
    for layout in (
        maps.contiguous(memory_format=torch.channels_last),
        torch.cat([maps, maps], dim=1)[:, :3],
        maps.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1),
    ):
        found = separable_roi_align(layout, rois, (16, 8), 1 / 8)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_half_precision_keeps_exact_places():
    maps, rois = feature(4, side=512).bfloat16(), torch.tensor([[0, 411.3, 300.7, 451.9, 409.1]])
    exact = separable_roi_align(maps.float(), rois, (32, 16), 1 / 4)
    found = separable_roi_align(maps, rois, (32, 16), 1 / 4)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), exact, atol=0.05, rtol=0.05)


def test_no_box():
    assert separable_roi_align(feature(8), torch.zeros(0, 5), (16, 8), 1 / 8).shape == (0, 3, 16, 8)


def test_the_layer_chooses_by_what_is_needed():
    maps, rois = feature(8), random_rois(6)
    pooling = RoIPooling(8, (16, 8))
    learned = pooling(maps.clone().requires_grad_(), rois)
    assert type(learned.grad_fn).__name__ == 'RoIAlignFunctionBackward'
    with torch.no_grad():
        torch.testing.assert_close(pooling(maps, rois), learned, atol=2e-5, rtol=0)
    largest = RoIPooling(8, (16, 8), {'type': 'RoIAlign', 'pool_mode': 'max', 'sampling_ratio': 2})
    expected = roi_align(maps, rois, (16, 8), 1 / 8, 2, 'max', True)
    torch.testing.assert_close(largest(maps, rois), expected)
