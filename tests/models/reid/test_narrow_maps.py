"""Half precision on a CPU, whose values may not depend on what the processor has."""

from __future__ import annotations

import itertools

import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn
from torch.overrides import TorchFunctionMode

from mmps.models.reid import CropBackbone, ReplicatedStages
from mmps.models.reid.narrow_maps import exact_narrow_maps
from mmps.testing.builders import tiny_detector

HALF = [torch.bfloat16, torch.float16]


class Watched(TorchFunctionMode):
    """Notes precision and width of the output of each convolution that reaches torch."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        if function is torch.conv2d:
            self.seen.append((found.dtype, found.shape[-1]))
        return found


def check(seen, half):
    assert {dtype for dtype, width in seen if width == 1} == {torch.float32}
    assert {dtype for dtype, width in seen if width > 1} == {half}


@pytest.mark.parametrize('half', HALF)
def test_replicated_stages_and_crops(half):
    torch.manual_seed(0)
    init_default_scope('mmdet')
    backbone = tiny_detector()['backbone']
    parts = {
        (16, 16, 8): ReplicatedStages(backbone, shared_stages=2),
        (3, 64, 32): CropBackbone(backbone, [0.0] * 3, [1.0] * 3),
    }
    for size, part in parts.items():
        part.init_weights()
        maps = torch.randn(10, *size)
        with Watched() as watched, torch.no_grad():
            expected = part.eval()(maps)
            del watched.seen[:]
            with torch.autocast('cpu', half):
                found = part(maps)
        assert found.shape[-2:] == (2, 1)
        check(watched.seen, half)
        assert found.dtype == half
        torch.testing.assert_close(
            found.float(), expected, atol=0.05 * expected.abs().max().item(), rtol=0
        )


# Arguments of `Conv2d` behind the channels.
CONVOLUTIONS = [
    (3, 2, 1),
    (3, (1, 2), 'valid'),
    (1, 1, 0),
    ((5, 3), 1, 'same'),
    (2, 1, 0, 2),
    (3, 2, 1, 1, 2),
]


@pytest.mark.parametrize('half', HALF)
@pytest.mark.parametrize('autocast', [True, False], ids=['autocast', 'half weights'])
def test_widths_of_any_convolution(half, autocast):
    for settings, width in itertools.product(CONVOLUTIONS, [1, 2, 3, 5, 8]):
        torch.manual_seed(0)
        layer, maps = nn.Conv2d(32, 16, *settings), torch.randn(10, 32, 5, width)
        try:
            expected = layer(maps)
        except RuntimeError:  # the kernel is wider than the map
            continue
        if not autocast:
            layer, maps = layer.to(half), maps.to(half)
        with (
            Watched() as watched,
            torch.autocast('cpu', half, enabled=autocast),
            exact_narrow_maps(maps),
        ):
            found = layer(maps)
        computed = torch.float32 if found.shape[-1] == 1 else half
        assert watched.seen == [(computed, expected.shape[-1])], settings
        assert found.dtype == half
        torch.testing.assert_close(found.float(), expected, atol=0.05, rtol=0.05)


def test_single_precision_is_left_alone():
    layer, maps = nn.Conv2d(4, 4, 3, 2, 1), torch.randn(2, 4, 4, 2)
    with exact_narrow_maps(maps):
        assert torch.equal(layer(maps), torch.conv2d(maps, layer.weight, layer.bias, 2, 1))
    assert type(exact_narrow_maps(maps)).__name__ == 'nullcontext'
