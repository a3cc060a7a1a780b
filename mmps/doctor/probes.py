"""Tries parts of the installation: ``python probes.py NAME ...`` prints what it found as JSON.

The doctor gives each probe its own process, because a compiled library that does not fit may end
the process without an exception. Imports stand inside the functions for the same reason.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder

PACKAGES = ('numpy', 'cv2', 'torch', 'mmengine', 'mmcv', 'mmdet')


class LeftoverFinder(MetaPathFinder):
    """Takes the folder that an uninstalled package left behind for what it is: no package.

    Files that Python or pytest compiled in it stay there, and Python imports such a folder.
    """

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raise what Python raises for a package that is not there."""
        spec = PathFinder.find_spec(name) if name in PACKAGES else None
        if spec is not None and spec.origin is None:
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)


def probe_numpy() -> dict:
    """NumPy computes."""
    import numpy as np

    if float(np.ones(3).sum()) != 3.0:
        raise RuntimeError('numpy computes wrong sums')
    return {'version': np.__version__}


def probe_opencv() -> dict:
    """OpenCV encodes and decodes an image that NumPy made."""
    import cv2
    import numpy as np

    encoded = cv2.imencode('.png', np.full((4, 4, 3), 7, np.uint8))[1]
    if int(cv2.imdecode(encoded, cv2.IMREAD_COLOR).max()) != 7:
        raise RuntimeError('opencv changes the pixels of a PNG image')
    return {'version': cv2.__version__}


def probe_torch() -> dict:
    """Torch computes, exchanges arrays with NumPy, and sees these accelerators."""
    import torch

    torch.from_numpy((torch.ones(2, 2) @ torch.ones(2, 2)).numpy())
    devices = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(index)
        devices.append(
            {
                'name': properties.name,
                'memory': properties.total_memory,
                'architecture': f'{properties.major}.{properties.minor}',
            }
        )
    return {'version': torch.__version__, 'cuda': torch.version.cuda, 'devices': devices}


def probe_precision() -> dict:
    """Convolutions in half precision on the CPU compute what double precision does, but rounded.

    The sizes are those that went wrong with AMX, and one that did not.
    """
    import torch

    wrong = []
    for dtype in (torch.bfloat16, torch.float16):
        for stride, size in ((2, (10, 64, 4, 2)), (2, (20, 512, 4, 2)), (1, (2, 64, 16, 8))):
            generator = torch.Generator().manual_seed(0)
            maps = torch.randn(size, generator=generator).to(dtype)
            weights = torch.randn((128, size[1], 3, 3), generator=generator).to(dtype)
            expected = torch.conv2d(maps.double(), weights.double(), None, stride, 1)
            try:
                found = torch.conv2d(maps, weights, None, stride, 1)
            except RuntimeError:  # torch before 2.2 has no float16 there
                continue
            error = (found - expected).abs().max() / expected.abs().max()
            if not error < 0.03 and str(dtype) not in wrong:  # NaN is wrong, too
                wrong.append(str(dtype))
    return {'wrong': [name.removeprefix('torch.') for name in wrong]}


def probe_extras() -> dict:
    """The plain Python packages that mmps needs import."""
    import matplotlib.figure
    import pycocotools.mask
    import rich.progress
    import scipy.optimize

    return {'modules': [m.__name__ for m in (matplotlib, pycocotools, rich, scipy)]}


def probe_mmengine() -> dict:
    """MMEngine and its runner import."""
    import mmengine.runner

    return {'version': mmengine.__version__}


def probe_ops() -> dict:
    """MMCV's compiled RoIAlign and NMS give the right values, on a GPU too where there is one."""
    import mmcv
    import torch

    _check_ops(torch.device('cpu'))
    if torch.cuda.is_available():
        try:
            _check_ops(torch.device('cuda'))
        except RuntimeError as error:
            return {'version': mmcv.__version__, 'gpu': False, 'gpu_error': str(error)[:200]}
    return {'version': mmcv.__version__, 'gpu': torch.cuda.is_available()}


def _check_ops(device: object) -> None:
    import torch
    from mmcv.ops import nms, roi_align

    ramp = torch.arange(16.0, device=device).view(1, 1, 4, 4)
    roi = torch.tensor([[0.0, 0.0, 0.0, 4.0, 4.0]], device=device)
    pooled = roi_align(ramp, roi, (2, 2), 1.0, 0, 'avg', True).flatten().tolist()
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 3.9], [9, 9, 12, 12]], device=device)
    kept = nms(boxes, torch.tensor([0.5, 0.9, 0.7], device=device), 0.5)[1].tolist()
    if pooled != [2.5, 4.5, 10.5, 12.5] or kept != [1, 2]:
        raise RuntimeError(f'mmcv computes wrong values on {device}: {pooled}, {kept}')


def probe_mmdet() -> dict:
    """MMDetection's models import, and mmps's registries on top of them."""
    import mmdet.models

    import mmps.registry

    return {'version': mmdet.__version__, 'registries': mmps.registry.MODELS.scope}


def probe_checkpoint() -> dict:
    """A checkpoint as MMEngine writes it, with its logged history, loads again."""
    import mmengine.logging
    import torch
    from mmengine.runner import load_checkpoint, save_checkpoint

    import mmps

    history = mmengine.logging.HistoryBuffer([1.0, 2.0], [1, 1])
    layer = torch.nn.Linear(2, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'checkpoint.pth')
        save_checkpoint({'state_dict': layer.state_dict(), 'message_hub': {'loss': history}}, path)
        load_checkpoint(layer, path)
    return {'mmps': mmps.__version__}


PROBES = {
    'numpy': probe_numpy,
    'opencv': probe_opencv,
    'torch': probe_torch,
    'precision': probe_precision,
    'extras': probe_extras,
    'mmengine': probe_mmengine,
    'ops': probe_ops,
    'mmdet': probe_mmdet,
    'checkpoint': probe_checkpoint,
}


if __name__ == '__main__':
    # Python puts the folder of a script first: nothing in it may hide a package.
    sys.path = [p for p in sys.path if os.path.abspath(p) != os.path.dirname(__file__)]
    sys.meta_path.insert(0, LeftoverFinder())
    for name in sys.argv[1:]:
        print('\n' + json.dumps(PROBES[name]()))
