from __future__ import annotations

import inspect
import textwrap

import numpy as np
import pytest

from mmps.evaluation import GroundTruth, evaluate_predictions
from mmps.evaluation.protocols.base import SearchProtocol, budget_threshold, protocols_by_name
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


def test_the_example_of_the_documentation_searches_the_best_box_of_each_image(scene):
    _, text = inspect.getdoc(SearchProtocol).split('.. code-block:: python')
    text, _ = text.split('\n``SearchTask')
    namespace = {}
    try:
        exec(textwrap.dedent(text), namespace)
        scene.image(1, [0]).image(2, [0, 1]).query(1)
        scene.detect(2, 1, 0.9, score=0.5).detect(2, 0, 0.5, score=0.9).detect(1, 0, 1.0)
        report = evaluate_predictions(
            GroundTruth.load(scene.annotation_file()),
            scene.predictions(gt_embeddings=np.ones((3, 1), np.float32)),
            TASK_UTILS.build({'type': 'mmps.BestBoxProtocol'}),
            gt_boxes=True,
            calibrated=True,
        )
        assert protocols_by_name()['best_box'] is namespace['BestBoxProtocol']
    finally:
        TASK_UTILS.module_dict.pop('BestBoxProtocol', None)
    assert report.metrics['mAP'] == report.metrics['gt/mAP'] == 1.0
    assert len(report.searched.scores) == 3
    assert (report.calibration.same.sum(), report.calibration.other.sum()) == (1, 0)


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
