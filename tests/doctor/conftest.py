from __future__ import annotations

import pytest

from mmps.doctor import Facts, Probe
from mmps.doctor.facts import Folder

GIB = 2**30


@pytest.fixture
def healthy():
    """The facts of a machine on which everything works."""
    versions = {
        'torch': '2.13.0',
        'mmcv': '2.1.0',
        'mmengine': '0.10.7',
        'mmdet': '3.3.0',
        'numpy': '2.4.6',
        'setuptools': '80.10.2',
    }
    found = {
        'setuptools': {'version': '80.10.2'},
        'numpy': {'version': '2.4.6'},
        'opencv': {'version': '5.0.0'},
        'torch': {'version': '2.13.0', 'cuda': None, 'devices': []},
        'matplotlib': {'version': '3.11.2'},
        'pycocotools': {'version': 'works'},
        'rich': {'version': 'works'},
        'scipy': {'version': '1.17.1'},
        'mmengine': {'version': '0.10.7'},
        'ops': {'version': '2.1.0', 'gpu': False},
        'mmdet': {'version': '3.3.0'},
        'mmps': {'version': '0.1.0'},
    }
    return Facts(
        python=(3, 11, 7),
        executable='python',
        packages=versions,
        probes={name: Probe(True, what) for name, what in found.items()},
        folders={'working': Folder('here', 100 * GIB), 'temporary': Folder('tmp', 100 * GIB)},
    )
