from __future__ import annotations

import pytest
from mmengine.config import Config

from mmps.testing.builders import tiny_detector

STRIDES = [8, 16, 32]


@pytest.fixture(scope='session')
def configs(tmp_path_factory):
    """Tiny configs of a joint model and of the baseline; paths by name."""
    folder = tmp_path_factory.mktemp('speed')
    head = {'embedding_channels': 8}
    joint = {'type': 'mmps.SharedBackboneDetector', 'shared_stages': 3}
    models = {
        'J3': {**joint, 'reid_branch': {'pooling': {'output_size': (8, 4)}, 'head': head}},
        'Disj.': {
            'type': 'mmps.DisjointDetector',
            'reid_branch': {'pooling': {'output_size': (32, 16)}, 'head': head},
        },
    }
    paths = {}
    for name, model in models.items():
        paths[name] = folder / f'{name}py'.replace('J3', 'J3.')
        Config({'model': {**model, 'detector': tiny_detector()}}).dump(paths[name])
    return paths


@pytest.fixture
def variants(configs):
    from mmps.benchmarks import build_variant

    return [build_variant(name, path, 'cpu') for name, path in configs.items()]


class Clock:
    """Moves on by the seconds that a job says it takes."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def job(self, *seconds):
        rounds = iter(seconds)

        def run():
            self.now += next(rounds)

        return run


@pytest.fixture
def clock():
    return Clock()
