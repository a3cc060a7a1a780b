from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmps.evaluation import GenericProtocol, GroundTruth, evaluate_predictions
from mmps.structures import DataError
from mmps.testing import reference_evaluator as reference
from mmps.testing.search_data import random_search_data


def give_visits(data, generator):
    """Divide everybody's boxes into two visits; queries have that of their box."""
    visits = {}
    for box in data.annotation['annotations']:
        if box['person_id'] >= 0:
            box['visit'] = 2 * box['person_id'] + int(generator.integers(2))
            visits.setdefault((box['image_id'], *box['bbox'], box['person_id']), box['visit'])
    for query in data.annotation['queries']:
        query['visit'] = visits[(query['image_id'], *query['bbox'], query['person_id'])]


def without_visit(detections, people, visits, own):
    """Leave out the detections on the people of a visit."""
    left = {}
    for image, (boxes, scores, embeddings) in detections.items():
        kept = []
        for k, box in enumerate(boxes):
            best, best_iou = None, 0.0
            for person, visit in zip(people, visits, strict=True):
                overlap = reference.iou(person.box, box) if person.image == image else 0.0
                if overlap > best_iou and overlap >= reference.size_aware_threshold(person.box):
                    best, best_iou = visit, overlap
            if best is None or best != own:
                kept.append(k)
        if kept:
            left[image] = ([boxes[k] for k in kept], [scores[k] for k in kept], embeddings[kept])
    return left


@pytest.mark.parametrize('convention', ['legacy', 'strict'])
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), images=st.integers(2, 7), queries=st.integers(1, 4))
def test_equals_the_plain_loops(convention, plain, tmp_path_factory, seed, images, queries):
    generator = np.random.default_rng(seed)
    data = random_search_data(generator, images, 3, queries)
    give_visits(data, generator)
    annotation, _ = data.write(tmp_path_factory.mktemp('case'))
    protocol = GenericProtocol(convention=convention, other_visits=True)
    ground_truth = GroundTruth.load(annotation)
    (_, plan), *_ = protocol.plans(ground_truth, data.predictions)
    results = protocol.searcher(ground_truth, data.predictions.query_embeddings, plan)
    problem, legacy = plain(data), convention == 'legacy'
    visits = [box.get('visit') for box in data.annotation['annotations']]
    for i, query in enumerate(problem.queries):
        own = data.annotation['queries'][i]['visit']
        others = [p for p, visit in zip(problem.people, visits, strict=True) if visit != own]
        entries = reference.other_image_entries(query, problem.cameras, others, False, legacy)
        detections = without_visit(problem.detections, problem.people, visits, own)
        ap, ranking = reference.search_one_query(problem.embeddings[i], entries, detections, legacy)
        assert results.average_precision[i] == pytest.approx(ap, abs=1e-12)
        assert results.first_rank[i] == reference.first_rank(ranking)


@pytest.fixture
def returning(scene):
    """Person 0 in images 1 and 2 (visit 7) and, after a stranger, in image 3 (visit 8)."""
    scene.image(1, [0]).image(2, [0, 5]).image(3, [0, 6]).query(1)
    for box, visit in zip(scene.annotations, (7, 7, 9, 8, 10), strict=True):
        box['visit'] = visit
    scene.queries[0]['visit'] = 7
    return scene.detect(2, 0, 0.9).detect(2, 1, 0.8).detect(3, 0, 0.7).detect(3, 1, 0.1)


def evaluate(scene, **options):
    ground_truth = GroundTruth.load(scene.annotation_file())
    protocol = GenericProtocol(other_visits=True, **options)
    protocol.check(ground_truth)
    return evaluate_predictions(ground_truth, scene.predictions(), protocol, calibrated=True)


def test_strangers_beside_the_own_visit_stay_in_the_gallery(returning):
    report = evaluate(returning)
    assert report.metrics['mAP'] == 0.5
    # Own boxes count for neither side: one hit, two strangers.
    assert (report.calibration.same.sum(), report.calibration.other.sum()) == (1, 2)


def test_queries_that_come_once_are_explained(returning):
    returning.annotations[3]['visit'] = 7
    with pytest.raises(DataError, match='no other visit'):
        evaluate(returning)


@pytest.mark.parametrize('part', ['annotations', 'queries'])
def test_files_without_visits_are_refused(returning, part):
    getattr(returning, part)[0]['visit'] = None
    with pytest.raises(DataError, match='without visit'):
        evaluate(returning)
