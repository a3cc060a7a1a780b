import pytest
import torch
from torch.nn.functional import grid_sample

from mmps.models.reid import RoIPooling


def reference(feature, rois, stride, output_size, samples):
    """RoIAlign (aligned, fixed number of samples per bin) by bilinear lookup of every sample."""
    height, width = output_size
    pooled = []
    for index, x1, y1, x2, y2 in rois.tolist():
        rows = torch.arange(height * samples, dtype=feature.dtype) + 0.5
        columns = torch.arange(width * samples, dtype=feature.dtype) + 0.5
        y = y1 / stride + rows * (y2 - y1) / stride / (height * samples) - 0.5
        x = x1 / stride + columns * (x2 - x1) / stride / (width * samples) - 0.5
        # align_corners: -1 and 1 are the centres of the first and last cell.
        grid = torch.stack(
            torch.meshgrid(
                2 * x / (feature.shape[3] - 1) - 1, 2 * y / (feature.shape[2] - 1) - 1,
                indexing='xy',
            ),
            dim=-1,
        )  # fmt: skip
        looked_up = grid_sample(feature[int(index)][None], grid[None], align_corners=True)
        pooled.append(torch.nn.functional.avg_pool2d(looked_up, samples)[0])
    return torch.stack(pooled)


def layouts():
    torch.manual_seed(0)
    plain = torch.randn(2, 6, 20, 24, dtype=torch.float64).float()
    return {
        'contiguous': plain,
        'channels_last': plain.contiguous(memory_format=torch.channels_last),
        'slice': torch.cat([plain, plain + 1], dim=1)[:, :6],
        'transposed': plain.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1),
    }


@pytest.mark.parametrize('layout', layouts())
@pytest.mark.parametrize(('stride', 'size'), [(4, (8, 4)), (8, (16, 8))])
def test_agrees_with_bilinear_lookup_in_any_memory_layout(layout, stride, size):
    feature = layouts()[layout]
    rois = torch.tensor([[0, 9.0, 5.0, 40.0, 70.0], [1, 20.0, 12.5, 61.5, 66.0]])
    shifted = torch.cat([rois, rois], dim=1)[:, :5]  # not contiguous
    pooling = RoIPooling(stride, size, {'type': 'RoIAlign', 'sampling_ratio': 2})
    expected = reference(feature, rois, stride, size, samples=2)
    torch.testing.assert_close(pooling(feature, shifted), expected, atol=2e-5, rtol=0)


def test_no_box_gives_no_feature():
    pooled = RoIPooling(8, (16, 8))(torch.zeros(2, 6, 10, 10), torch.zeros(0, 5))
    assert pooled.shape == (0, 6, 16, 8)


def test_unknown_layer_is_told():
    with pytest.raises(ValueError, match=r"'RoIWarp' is not in mmcv\.ops; use RoIAlign"):
        RoIPooling(8, (16, 8), {'type': 'RoIWarp'})
