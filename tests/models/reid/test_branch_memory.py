"""``reid_branch.chunk`` bounds memory, whatever the number of boxes."""

from __future__ import annotations

import weakref

import pytest
import torch

from mmps.testing.builders import tiny_searcher

IMAGES, PEOPLE = 8, 300


@pytest.fixture(scope='module')
def branch():
    """J2's branch on a narrow network."""
    settings = {'pooling': {'output_size': (8, 4)}, 'head': {'embedding_channels': 8}}
    model = tiny_searcher(2, reid_branch=settings).eval()
    return model.reid_branch


@pytest.fixture(scope='module')
def work():
    """A feature map, and boxes in all images."""
    generator = torch.Generator().manual_seed(0)
    feature = torch.randn(IMAGES, 16, 32, 32, generator=generator)
    corners = torch.rand(IMAGES * PEOPLE, 2, generator=generator) * 60
    sides = torch.tensor([25.0, 60.0]) * (0.5 + torch.rand(len(corners), 2, generator=generator))
    owner = torch.arange(IMAGES).repeat_interleave(PEOPLE)[:, None]
    return feature, torch.cat([owner, corners, corners + sides], dim=1)


class Watch:
    """Notes what goes through a branch, and what of it is left when the next chunk begins."""

    def __init__(self, branch):
        self.boxes, self.left = [], []
        self._made = []
        self._handles = [branch.pooling.register_forward_pre_hook(self._begin)]
        for part in (branch.pooling, branch.stages, branch.aggregation):
            self._handles.append(part.register_forward_hook(self._made_by))

    def _begin(self, module, inputs):
        self.boxes.append(len(inputs[1]))
        self.left.append(sum(made() is not None for made in self._made))

    def _made_by(self, module, inputs, output):
        self._made.append(weakref.ref(output))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for handle in self._handles:
            handle.remove()


@torch.no_grad()
def run(branch, work, chunk):
    branch.chunk = branch.cpu_chunk = chunk
    with Watch(branch) as watch:
        return branch(*work), watch


@pytest.mark.parametrize('chunk', [64, 700, 2400])
def test_no_more_than_a_chunk_is_there_at_a_time(branch, work, chunk):
    embeddings, watch = run(branch, work, chunk)
    assert embeddings.shape == (IMAGES * PEOPLE, 8)
    assert max(watch.boxes) <= chunk
    assert sum(watch.boxes) == IMAGES * PEOPLE
    assert len(watch.boxes) == -(-IMAGES * PEOPLE // chunk)
    assert set(watch.left) == {0}


def test_chunks_do_not_change_embeddings(branch, work):
    whole, _ = run(branch, work, IMAGES * PEOPLE)
    assert whole.std(0).min() > 1e-3
    for chunk in (64, 700):
        found, _ = run(branch, work, chunk)
        torch.testing.assert_close(found, whole, atol=1e-5, rtol=0)


def test_a_cpu_takes_fewer_at_once():
    branch = tiny_searcher().reid_branch
    assert branch.chunk_on(torch.device('cuda')) == 512
    assert branch.chunk_on(torch.device('cpu')) == 64
    branch.chunk = 8
    assert branch.chunk_on(torch.device('cpu')) == 8
