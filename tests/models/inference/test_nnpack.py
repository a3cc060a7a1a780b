from __future__ import annotations

import copy

import pytest
import torch
from mmcv.cnn.bricks.conv_ws import ConvWS2d
from torch import nn

from mmps.models.inference import nnpack, use_nnpack

pytestmark = pytest.mark.skipif(not nnpack.is_available(), reason='PyTorch has no NNPACK here')


def convolution(**changes):
    torch.manual_seed(0)
    settings = {'in_channels': 64, 'out_channels': 72, 'kernel_size': 3, 'padding': 1}
    return nn.Conv2d(**{**settings, **changes})


@pytest.fixture
def calls(monkeypatch):
    """Shapes of what NNPACK computed."""
    operator, shapes = torch._nnpack_spatial_convolution, []

    def noted(inputs, *args):
        shapes.append(tuple(inputs.shape))
        return operator(inputs, *args)

    monkeypatch.setattr(torch, '_nnpack_spatial_convolution', noted)
    return shapes


@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize('shape', [(1, 64, 40, 40), (3, 64, 41, 57), (2, 64, 200, 9)], ids=str)
@torch.no_grad()
def test_equals_the_usual_convolution(calls, bias, layout, shape):
    layer = convolution(bias=bias)
    inputs = torch.randn(shape).contiguous(memory_format=layout)
    expected = nn.functional.conv2d(inputs.double(), layer.weight.double(), None, 1, 1)
    if bias:
        expected += layer.bias[:, None, None]
    layer = layer.to(memory_format=layout)
    assert use_nnpack(layer) == 1
    largest = expected.abs().max().item()
    torch.testing.assert_close(layer(inputs).double(), expected, atol=3e-5 * largest, rtol=0)
    assert calls == [(1, *shape[1:])] * shape[0]


@pytest.mark.parametrize(
    ('inputs', 'gradients'),
    [
        (torch.randn(1, 64, 39, 41), False),
        (torch.randn(1, 64, 40, 40), True),
        (torch.randn(64, 40, 40), False),
        (torch.randn(1, 64, 40, 40).bfloat16(), False),
        (torch.randn(0, 64, 40, 40), False),
    ],
    ids=['small', 'gradients', 'single', 'half', 'nothing'],
)
def test_the_rest_is_computed_as_ever(calls, inputs, gradients):
    layer = convolution().to(inputs.dtype)
    expected = layer(inputs)
    use_nnpack(layer)
    with torch.set_grad_enabled(gradients):
        found = layer(inputs)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert found.requires_grad == gradients
    assert not calls


@pytest.mark.parametrize(
    'layer',
    [
        convolution(stride=2),
        convolution(dilation=2),
        convolution(padding=0),
        convolution(padding='same'),
        convolution(groups=2),
        convolution(kernel_size=1),
        convolution(padding_mode='reflect'),
        convolution(out_channels=36),
        convolution(in_channels=3),
        ConvWS2d(64, 64, 3, padding=1),
        nn.ConvTranspose2d(64, 64, 3, padding=1),
    ],
    ids=lambda layer: str(layer)[:70],
)
def test_other_layers_are_left_alone(layer):
    assert use_nnpack(nn.Sequential(layer)) == 0
    assert 'forward' not in vars(layer)


@torch.no_grad()
def test_the_smallest_map_is_a_setting(calls):
    layer = convolution()
    use_nnpack(layer, smallest_map=25)
    layer(torch.randn(1, 64, 5, 5))
    layer(torch.randn(1, 64, 6, 4))
    assert calls == [(1, 64, 5, 5)]


@torch.no_grad()
def test_a_copy_has_weights_of_its_own():
    layer = convolution()
    use_nnpack(layer)
    other = copy.deepcopy(layer)
    other.weight.zero_()
    inputs = torch.randn(1, 64, 40, 40)
    torch.testing.assert_close(other(inputs), other.bias[:, None, None].expand(1, 72, 40, 40))
    assert layer(inputs).std() > 0.1


@pytest.mark.parametrize('missing', ['operator', 'processor'])
def test_without_nnpack_nothing_changes(monkeypatch, missing):
    if missing == 'operator':
        monkeypatch.delattr(torch, '_nnpack_spatial_convolution')
    else:
        monkeypatch.setattr(torch, '_nnpack_available', lambda: False)
    layer = convolution()
    assert use_nnpack(layer) == 0
    assert 'forward' not in vars(layer)
