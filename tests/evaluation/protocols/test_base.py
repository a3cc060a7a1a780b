from __future__ import annotations

import pytest

from mmps.evaluation import GroundTruth, evaluate_predictions
from mmps.evaluation.detections import Detections
from mmps.evaluation.protocols.base import SearchProtocol
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
        yield 'best', SearchPlan(task, Detections.from_predictions(best, ground_truth))


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
