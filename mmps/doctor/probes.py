"""Tries parts of the installation: ``python probes.py NAME ...`` prints what it found as JSON.

The doctor gives each probe its own process, because a compiled library that does not fit may end
the process without an exception. Imports stand inside the functions for the same reason.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from importlib import metadata

# Plain packages, and what is needed of each one. MMCV builds and MMEngine runs with pkg_resources.
MODULES = {
    'setuptools': ('pkg_resources', 'setuptools.command.editable_wheel'),
    'wheel': ('wheel',),
    'ninja': ('ninja',),
    'matplotlib': ('matplotlib.figure',),
    'pycocotools': ('pycocotools.mask',),
    'rich': ('rich.progress',),
    'scipy': ('scipy.optimize',),
}
EXTRAS = ('matplotlib', 'pycocotools', 'rich', 'scipy')


def probe_modules(*packages: str) -> dict:
    """Plain packages import.

    Args:
        packages: Keys of ``MODULES``.
    """
    for module in (module for package in packages for module in MODULES[package]):
        importlib.import_module(module)
    return {'version': ', '.join(f'{name} {metadata.version(name)}' for name in packages)}


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
    """MMDetection's models import; it refuses some versions of MMCV."""
    import mmdet.models

    return {'version': mmdet.__version__}


def probe_mmps() -> dict:
    """The registries stand on MMDetection's; a checkpoint as MMEngine writes it loads again."""
    import mmengine.logging
    import torch
    from mmengine.runner import load_checkpoint, save_checkpoint

    import mmps.registry

    history = mmengine.logging.HistoryBuffer([1.0, 2.0], [1, 1])
    layer = torch.nn.Linear(2, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'checkpoint.pth')
        save_checkpoint({'state_dict': layer.state_dict(), 'message_hub': {'loss': history}}, path)
        load_checkpoint(layer, path)
    return {'version': mmps.__version__}


PROBES = {
    'setuptools': lambda: probe_modules('setuptools'),
    'numpy': probe_numpy,
    'torch': probe_torch,
    'opencv': probe_opencv,
    'extras': lambda: probe_modules(*EXTRAS),
    'mmengine': probe_mmengine,
    'ops': probe_ops,
    'mmdet': probe_mmdet,
    'mmps': probe_mmps,
}


if __name__ == '__main__':
    # Nothing in the folder of this script, which Python puts first, may hide a package.
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path = [path for path in sys.path if os.path.abspath(path) != folder]
    sys.path.append(os.path.dirname(os.path.dirname(folder)))  # that of mmps
    for name in sys.argv[1:]:
        print('\n' + json.dumps(PROBES[name]() if name in PROBES else probe_modules(name)))
