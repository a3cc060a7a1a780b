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

# Parts that work where they import, and what is needed of each one.
MODULES = {
    'setuptools': ('pkg_resources', 'setuptools.command.editable_wheel'),
    'wheel': ('wheel',),
    'ninja': ('ninja',),
    'numpy': ('numpy',),
    'opencv': ('cv2',),
    'matplotlib': ('matplotlib.figure',),
    'pycocotools': ('pycocotools.mask',),
    'rich': ('rich.progress',),
    'scipy': ('scipy.optimize',),
    'mmengine': ('mmengine.runner',),
    'mmdet': ('mmdet.models',),  # which refuses some versions of MMCV
}


def probe_modules(name: str) -> dict:
    """A part imports.

    Args:
        name: A key of ``MODULES``.
    """
    for module in MODULES[name]:
        importlib.import_module(module)
    package = sys.modules[MODULES[name][-1].partition('.')[0]]
    return {'version': getattr(package, '__version__', 'works')}


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


PROBES = {'torch': probe_torch, 'ops': probe_ops, 'mmps': probe_mmps}


if __name__ == '__main__':
    # Nothing in the folder of this script, which Python puts first, may hide a package.
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path = [path for path in sys.path if os.path.abspath(path) != folder]
    sys.path.append(os.path.dirname(os.path.dirname(folder)))  # that of mmps
    for name in sys.argv[1:]:
        print('\n' + json.dumps(PROBES[name]() if name in PROBES else probe_modules(name)))
