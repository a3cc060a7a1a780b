from __future__ import annotations

import numpy as np
import pytest

from mmps.gallery import GalleryModel, Progress, Rows, open_gallery

MODEL = GalleryModel('fingerprint-of-a-model', 8, {'config': 'model.py'})


def people(source='a.mp4', frames=range(4), seed=0, per_frame=3, camera='north', start=100.0):
    """Drawn people of a video: one row for each of some people of each frame."""
    rng = np.random.default_rng(seed)
    count = len(frames) * per_frame
    vectors = rng.normal(size=(count, MODEL.dimension))
    frame = np.repeat(np.array(list(frames)), per_frame)
    return Rows(
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        boxes=rng.uniform(0, 100, size=(count, 4)),
        scores=rng.uniform(0.1, 1, size=count),
        source=[source] * count,
        frame=frame,
        slot=np.tile(np.arange(per_frame), len(frames)),
        time=start + frame / 2,
        camera=[camera] * count,
    )


def state(source='a.mp4', digest='digest-a', **fields):
    return Progress(source, digest, **{'size': 10, 'camera': 'north', **fields})


SERVERS = [
    'file',
    pytest.param('postgresql', marks=pytest.mark.slow),
    pytest.param('milvus', marks=pytest.mark.slow),
]


@pytest.fixture(params=SERVERS)
def place(request, tmp_path):
    """Where a gallery of a name lies, on each kind of store in turn."""
    if request.param == 'file':
        return lambda name: str(tmp_path / f'{name}.mmps')
    return request.getfixturevalue(request.param).place


@pytest.fixture
def gallery(place):
    with open_gallery(place('people'), model=MODEL, mode='w') as opened:
        yield opened
