from __future__ import annotations

import numpy as np
import pytest

from mmps.evaluation import GroundTruth, evaluate_predictions
from mmps.evaluation.protocols.base import SearchProtocol, budget_threshold
from mmps.evaluation.protocols.generic import GenericProtocol
from mmps.evaluation.search import SearchPlan
from mmps.registry import TASK_UTILS
from mmps.structures import ConfigError

NAMES = ('CUHKSYSUProtocol', 'GenericProtocol', 'PRWProtocol', 'PRWOfficialProtocol')


@pytest.mark.parametrize('name', NAMES)
def test_settings_of_every_protocol(name):
    settings = {'convention': 'strict', 'searcher': {'score_weighted': True}}
    protocol = TASK_UTILS.build({'type': f'mmps.{name}', **settings})
    assert isinstance(protocol, SearchProtocol)
    assert protocol.convention == 'strict'
    assert protocol.searcher.score_weighted
    assert TASK_UTILS.build({'type': f'mmps.{name}'}).convention == 'legacy'
    assert protocol.ks == ((1, 5, 10, 20) if name == 'PRWOfficialProtocol' else (1, 5, 10))


@pytest.mark.parametrize('name', NAMES)
def test_unknown_convention(name):
    with pytest.raises(ConfigError, match="no convention 'seqnet'; choose legacy or strict"):
        TASK_UTILS.build({'type': f'mmps.{name}', 'convention': 'seqnet'})


class BestBoxProtocol(SearchProtocol):
    """What a user needs to write for a rule of their own."""

    def plans(self, ground_truth, predictions):
        task = GenericProtocol(convention=self.convention).task(ground_truth)
        best = predictions.above(predictions.scores.max())
        yield 'best', SearchPlan(task, best.by_image(ground_truth))


def test_a_protocol_of_ones_own_needs_plans_only(scene):
    scene.image(1, [0]).image(2, [0, 1]).query(1)
    scene.detect(2, 0, 0.5, score=0.9).detect(2, 1, 0.9, score=0.5)
    report = evaluate_predictions(
        GroundTruth.load(scene.annotation_file()),
        scene.predictions(),
        BestBoxProtocol('legacy', None),
    )
    assert report.metrics['best/mAP'] == 1.0
    assert set(report.queries) == {'best'}


SCORES = np.array([0.1, 0.9, 0.5, 0.7, 0.5])


@pytest.mark.parametrize(
    ('boxes', 'kept'), [(0.5, 1), (0.8, 2), (1, 2), (1.5, 4), (2.5, 5), (100, 5)]
)
def test_keeps_so_many_on_average(boxes, kept):
    """Two images; the tie at 0.5 stays together."""
    assert (budget_threshold(SCORES, 2, boxes) <= SCORES).sum() == kept


def test_less_than_half_a_box_keeps_the_best():
    assert (budget_threshold(SCORES, 2, 0.1) <= SCORES).sum() == 1


@pytest.mark.parametrize('boxes', [0, -1, float('nan'), float('inf')])
def test_not_positive(boxes):
    with pytest.raises(ConfigError, match='boxes per image must be positive'):
        budget_threshold(SCORES, 2, boxes)
