"""Milliseconds to search an image, of any detector."""

import torch

from mmps.benchmarks.searching import ms_per_image
from mmps.testing.builders import tiny_detector
from mmps.testing.detectors import tiny_faster_rcnn

BRANCH = {'head': {'embedding_channels': 8}}
MODELS = {
    'shared': {'type': 'mmps.SharedBackboneDetector', 'detector': tiny_faster_rcnn(),
               'reid_branch': BRANCH},
    'two networks': {'type': 'mmps.DisjointDetector', 'detector': tiny_detector(),
                     'reid_branch': {**BRANCH, 'pooling': {'output_size': (32, 16)}}},
}  # fmt: skip


def test_more_people_take_longer_and_losses_are_no_part_of_the_model():
    torch.set_num_threads(1)
    costs = ms_per_image(MODELS, [1, 60], rounds=3, size=64)
    for cost in costs.values():
        assert cost.milliseconds[60] > cost.milliseconds[1] > 0
    loss = {'type': 'mmps.IdentitySoftmaxLoss', 'num_ids': 9, 'embedding_channels': 8}
    trained = {**MODELS['shared'], 'reid_branch': {'head': {**BRANCH['head'], 'loss': loss}}}
    again = ms_per_image({'with a loss': trained}, [1], rounds=1, size=64)
    assert again['with a loss'].parameters == costs['shared'].parameters
