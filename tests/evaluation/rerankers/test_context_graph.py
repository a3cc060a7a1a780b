from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from mmps.evaluation import CUHKSYSUProtocol, GenericProtocol, GroundTruth, evaluate_predictions
from mmps.evaluation.rerankers.context_graph import context_boxes, match_context
from mmps.registry import TASK_UTILS
from mmps.structures import ConfigError

CBGM = {'type': 'mmps.ContextGraph', 'k1': 2, 'k2': 2}


@pytest.fixture
def company(scene):
    """The query walks with a friend; so does the person in image 2, but not the double in 3."""
    scene.image(1, [0, 1]).image(2, [0, 1]).image(3, [2, 3]).query(1)
    scene.galleries(100, [[(2, scene.box(0)), (3, None)]])
    for image_id, slot in ((1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)):
        scene.detect(image_id, slot, 0.0)
    person, friend = [1, 0, 0], [0, 1, 0]
    embeddings = [person, friend, [0.6, 0, 0.8], [0, 1, 0], [0.7, 0, 0.7], [0.1, -1, 0]]
    return scene, scene.predictions(
        embeddings=np.array(embeddings, dtype=np.float32),
        query_embeddings=np.array([person], dtype=np.float32),
    )


def evaluate(company, protocol, **searcher):
    scene, predictions = company
    protocol = protocol(searcher=searcher)
    ground_truth = GroundTruth.load(scene.annotation_file())
    return evaluate_predictions(ground_truth, predictions, protocol)


@pytest.mark.parametrize('protocol', [CUHKSYSUProtocol, GenericProtocol])
def test_company_finds_the_person(company, protocol):
    plain = evaluate(company, protocol)
    matched = evaluate(company, protocol, rerankers=[CBGM])
    key = 'g100/mAP' if protocol is CUHKSYSUProtocol else 'mAP'
    assert plain.metrics[key] == 0.5
    assert matched.metrics[key] == 1.0


def test_unpromising_images_stay(company):
    """The one most similar box is in image 3, so image 2 is not looked at."""
    revised = evaluate(company, CUHKSYSUProtocol, rerankers=[{**CBGM, 'k1': 1}])
    assert revised.metrics['g100/mAP'] == 0.5


def test_gallery_boxes_are_weighted_but_the_context_is_not(company):
    """The friend in image 2 has score 0.5, the one beside the query 0.1."""
    _, predictions = company
    predictions.scores[:] = [1.0, 0.1, 1.0, 0.5, 1.0, 1.0]
    plain = evaluate(company, CUHKSYSUProtocol, score_weighted=True)
    matched = evaluate(company, CUHKSYSUProtocol, score_weighted=True, rerankers=[CBGM])
    assert plain.metrics['g100/mAP'] == matched.metrics['g100/mAP'] == 0.5
    predictions.scores[3] = 0.8
    matched = evaluate(company, CUHKSYSUProtocol, score_weighted=True, rerankers=[CBGM])
    assert matched.metrics['g100/mAP'] == 1.0


def test_context_is_other_people_by_score(scene):
    scene.image(1, [0, 1, 2]).query(1)
    scene.detect(1, 0, 0, score=0.9, shift=2).detect(1, 1, 0, score=0.3).detect(1, 2, 0, score=0.7)
    ground_truth = GroundTruth.load(scene.annotation_file())
    detections = scene.predictions().by_image(ground_truth)
    assert context_boxes(ground_truth, detections, 0).tolist() == [2, 1]


@pytest.mark.parametrize('name', ['k1', 'k2'])
def test_numbers_below_one_are_refused(name):
    with pytest.raises(ConfigError, match=f'mmps.ContextGraph: .*{name} 0.* must be at least 1'):
        TASK_UTILS.build({'type': 'mmps.ContextGraph', name: 0})


def best_matching(similarities):
    """Try every one-to-one matching of the smaller side."""
    rows, columns = similarities.shape
    best, pairs = -np.inf, []
    if rows <= columns:
        options = [enumerate(chosen) for chosen in permutations(range(columns), rows)]
    else:
        options = [zip(p, range(columns), strict=True) for p in permutations(range(rows), columns)]
    for option in map(list, options):
        total = sum(similarities[pair] for pair in option)
        if total > best:
            best, pairs = total, option
    return pairs


def test_equals_all_matchings():
    for seed in range(40):
        generator = np.random.default_rng(seed)
        similarities = generator.normal(size=generator.integers(1, 5, size=2))
        pairs = best_matching(similarities)
        own = [column for row, column in pairs if row == 0]
        matched = match_context(similarities)
        if not own:
            assert matched is None
        else:
            assert matched == (own[0], pytest.approx(max(similarities[pair] for pair in pairs)))


def test_companion_decides():
    """The query alone prefers box 0, which its companion wants more."""
    assert match_context(np.array([[0.6, 0.5], [0.9, 0.1]])) == (1, 0.9)


def test_query_is_left_over():
    assert match_context(np.array([[0.1], [0.9]])) is None
