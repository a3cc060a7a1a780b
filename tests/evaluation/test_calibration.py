from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from mmps.evaluation import (
    Calibration,
    CUHKSYSUProtocol,
    GenericProtocol,
    GroundTruth,
    PRWOfficialProtocol,
    calibrate,
    evaluate_predictions,
    search,
)
from mmps.evaluation.calibration import count_in_bins
from mmps.evaluation.details import write_details
from mmps.evaluation.targets import Targets
from mmps.structures import DataError
from mmps.testing.search_data import random_search_data


@pytest.fixture
def people(scene):
    """Person 0 in images 1, 2 and 3, detected twice in image 2; strangers in 2 and 3."""
    scene.image(1, [0], camera=1).image(2, [0, 1], camera=2).image(3, [0, 2], camera=1)
    scene.query(1, camera=1).detect(1, 0, 1.0)
    scene.detect(2, 0, 0.9).detect(2, 0, 0.8, shift=1).detect(2, 1, 0.1)
    return scene.detect(3, 0, 0.7).detect(3, 1, -0.4)


def plan_of(scene, protocol):
    ground_truth = GroundTruth.load(scene.annotation_file())
    predictions = scene.predictions()
    (_, plan), *_ = protocol.plans(ground_truth, predictions)
    return predictions.query_embeddings, plan


def counts(calibration):
    middles = (calibration.edges[1:] + calibration.edges[:-1]) / 2
    return [np.repeat(middles, c).tolist() for c in (calibration.same, calibration.other)]


def test_hits_against_strangers(people):
    same, other = counts(calibrate(*plan_of(people, GenericProtocol())))
    assert same == pytest.approx([0.7, 0.9], abs=1e-3)
    assert other == pytest.approx([-0.4, 0.1], abs=1e-3)


def test_junk_counts_for_neither_side(people):
    same, other = counts(calibrate(*plan_of(people, PRWOfficialProtocol())))
    assert same == pytest.approx([0.9], abs=1e-3)
    assert other == pytest.approx([-0.4, 0.1], abs=1e-3)


def test_blocks_add_up(people):
    people.query(1).query(1)
    queries, plan = plan_of(people, GenericProtocol())
    whole, small = calibrate(queries, plan), calibrate(queries, plan, memory_mb=1e-6)
    np.testing.assert_array_equal(whole.same, small.same)
    np.testing.assert_array_equal(whole.other, small.other)
    assert whole.same.sum() == 6


def test_thresholds_equal_sorted_samples():
    generator = np.random.default_rng(0)
    edges = np.linspace(-1, 1, 401)
    same = np.clip(generator.normal(0.5, 0.1, 5000), -1, 1)
    other = np.clip(generator.normal(0.0, 0.2, 50000), -1, 1)
    calibration = Calibration(edges, np.histogram(same, edges)[0], np.histogram(other, edges)[0])
    for rate in (0.1, 0.01, 0.001):
        threshold = calibration.threshold(rate)
        assert (other >= threshold).mean() <= rate
        assert (other >= threshold - 0.0051).mean() > rate
        assert calibration.true_accept_rate(threshold) == (same >= threshold).mean()


def test_saved_and_loaded_it_counts_pairs_at_least_as_similar(tmp_path):
    generator = np.random.default_rng(1)
    edges = np.linspace(-1.5, 1.5, 301)
    same = np.clip(generator.normal(0.5, 0.1, 500), -1, 1)
    other = np.clip(generator.normal(0.0, 0.2, 5000), -1, 1)
    calibration = Calibration(edges, np.histogram(same, edges)[0], np.histogram(other, edges)[0])
    calibration.save(tmp_path / 'calibration.json')
    loaded = Calibration.load(tmp_path / 'calibration.json')
    np.testing.assert_allclose(loaded.edges, edges, atol=1e-12)
    for value in (-2.0, -0.304, 0.0049, 0.356, 0.777, 1.4999, 7.0):
        end = edges[edges <= value].max(initial=-2.0)
        wrong, right = (int((part >= end).sum()) for part in (other, same))
        assert loaded.at_least(value) == ((wrong, wrong + right) if value < 1.5 else (0, 0))


@pytest.mark.parametrize(
    'bins',
    [
        {},
        {'low': 0, 'high': 0, 'same': [1], 'other': [1]},
        {'low': 0, 'high': 1, 'same': [1], 'other': [1, 2]},
        {'low': 0, 'high': 1, 'same': [1], 'other': ['x']},
    ],
)
def test_other_files_are_no_calibration(tmp_path, bins):
    (tmp_path / 'c.json').write_text(json.dumps({'bins': bins}))
    with pytest.raises(DataError, match='no calibration'):
        Calibration.load(tmp_path / 'c.json')


@pytest.mark.parametrize(('strangers', 'supported'), [(1, 0), (9, 0), (10, 1), (999, 2), (1000, 3)])
def test_a_rate_needs_as_many_pairs_as_it_has_steps(strangers, supported):
    edges = np.linspace(-1, 1, 5)
    calibration = Calibration(edges, np.array([0, 0, 0, 4]), np.array([0, strangers, 0, 0]))
    rows = calibration.summary()['thresholds']
    assert [row['similarity'] for row in rows] == [0.0] * supported + [None] * (4 - supported)
    assert [row['true_accept_rate'] for row in rows] == [1.0] * supported + [None] * (4 - supported)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_bins_equal_numpys_on_edges_and_beside_them(dtype):
    generator = np.random.default_rng(3)
    for bound, bins in ((1.0002, 2000), (49.005, 2000), (1.0, 7), (3e5, 11)):
        edges = np.linspace(-bound, bound, bins + 1)
        inner = edges[1:-1].astype(dtype)
        beside = [np.nextafter(inner, dtype(sign * 9e9)) for sign in (-1, 1)]
        whole = generator.integers(-int(bound), int(bound) + 1, 500).astype(dtype)
        drawn = generator.uniform(-bound, bound, 2000).astype(dtype) * dtype(0.999)
        values = np.concatenate([inner, *beside, whole, drawn])
        outside = np.full(3, -np.inf, dtype)
        found = count_in_bins(np.concatenate([values, outside]), edges)
        np.testing.assert_array_equal(found, np.histogram(values, edges)[0])


def naive_counts(queries, plan, counted):
    """Compare all pairs one after the other."""
    judge, boxes = plan.task.judge, plan.boxes
    same, other = [], []
    for query in np.flatnonzero(counted):
        block = slice(query, query + 1)
        inside = plan.task.gallery(block)[:, boxes.images]
        row = np.where(inside, queries[block] @ boxes.embeddings.T, -np.inf)
        _, hits = judge.hits(block, row, boxes)
        _, on_person = judge.same_person(block, boxes)
        same += row[0, hits].tolist()
        neither = {*hits.tolist(), *on_person.tolist()}
        other += [v for i, v in enumerate(row[0].tolist()) if i not in neither and v > -np.inf]
    return same, other


RERANKED = {'rerankers': [{'type': 'mmps.KReciprocal', 'length': 3, 'k1': 2, 'k2': 1}]}


@pytest.mark.parametrize('searcher', [{}, {'memory_mb': 1e-6}, {'score_weighted': True}, RERANKED])
@pytest.mark.parametrize('kind', [GenericProtocol, PRWOfficialProtocol, CUHKSYSUProtocol])
def test_an_evaluation_counts_what_loops_count(tmp_path, kind, searcher):
    data = random_search_data(np.random.default_rng(11), num_images=8, num_queries=9)
    ground_truth = GroundTruth.load(data.write(tmp_path)[0])
    predictions = data.predictions
    predictions.query_embeddings[4] = 0
    protocol = kind(searcher=searcher)
    found = evaluate_predictions(ground_truth, predictions, protocol, calibrated=True).calibration
    (_, plan), *_ = protocol.plans(ground_truth, predictions, 0.0)
    queries = predictions.query_embeddings[plan.task.query_index]
    plan = protocol.searcher.weighted(plan)
    same, other = naive_counts(queries, plan, queries.any(axis=1))
    np.testing.assert_array_equal(found.same, np.histogram(same, found.edges)[0])
    np.testing.assert_array_equal(found.other, np.histogram(other, found.edges)[0])


def test_details_compute_nothing_again(people, tmp_path, monkeypatch):
    calls = Counter()

    def count(owner, name):
        function = getattr(owner, name)

        def counted(*args, **kwargs):
            calls[name] += 1
            return function(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)

    ground_truth, predictions = GroundTruth.load(people.annotation_file()), people.predictions()
    protocol = GenericProtocol(boxes_per_image=(1,))
    for owner, name in (
        (GenericProtocol, 'prepare'),
        (GenericProtocol, 'plans'),
        (GenericProtocol, 'task'),
        (search, 'similarity_blocks'),
        (Targets, 'hits'),
    ):
        count(owner, name)
    report = evaluate_predictions(ground_truth, predictions, protocol, calibrated=True)
    write_details(tmp_path, report, ground_truth)
    assert (tmp_path / 'calibration.json').is_file()
    assert calls['prepare'] == calls['plans'] == calls['task'] == 1
    assert calls['similarity_blocks'] == calls['hits'] == 2 == len(report.queries)


def test_nothing_to_count():
    empty = Calibration(np.linspace(-1, 1, 3), np.zeros(2, int), np.zeros(2, int))
    assert empty.threshold(0.01) == -1.0
    assert empty.true_accept_rate(0.0) is None


def test_queries_that_do_not_count_are_left_out(people):
    people.query(1)
    queries, plan = plan_of(people, GenericProtocol())
    half = calibrate(queries, plan, counted=np.array([False, True]))
    assert half.same.sum() == half.other.sum() == 2
    assert calibrate(queries, plan).same.sum() == 4


@pytest.mark.parametrize('convention', ['legacy', 'strict'])
def test_queries_without_a_detection_are_not_calibrated(people, tmp_path, convention):
    """Nothing is detected in image 4, so its query has no embedding but zeros."""
    people.image(4, [0], camera=3).query(4)
    ground_truth = GroundTruth.load(people.annotation_file())
    protocol = GenericProtocol(convention=convention)
    report = evaluate_predictions(
        ground_truth, people.predictions(), protocol, detected_queries=True, calibrated=True
    )
    write_details(tmp_path, report, ground_truth)
    summary = json.loads((tmp_path / 'calibration.json').read_text())
    assert summary['pairs'] == {'same': 2, 'other': 2}


def test_details_are_written(people, tmp_path):
    ground_truth = GroundTruth.load(people.annotation_file())
    protocol = GenericProtocol()
    report = evaluate_predictions(ground_truth, people.predictions(), protocol, calibrated=True)
    write_details(tmp_path / 'deep', report, ground_truth)
    summary = json.loads((tmp_path / 'deep' / 'calibration.json').read_text())
    assert summary['pairs'] == {'same': 2, 'other': 2}
    assert [row['false_accept_rate'] for row in summary['thresholds']] == [0.1, 0.01, 0.001, 1e-4]
    assert [row['pairs_needed'] for row in summary['thresholds']] == [10, 100, 1000, 10000]
    assert {row['similarity'] for row in summary['thresholds']} == {None}  # from two pairs
    lines = (tmp_path / 'deep' / 'queries.csv').read_text().splitlines()
    assert lines[0].startswith('setting,query,image,person_id,average_precision')
    # places 1 (0.9) and 3 (0.7); the second box on the person, 0.8, is wrong
    assert lines[1] == 'all,0,1.jpg,0,0.833333,1,2,0,1'


def test_bare_detectors_have_no_details(people, tmp_path):
    ground_truth = GroundTruth.load(people.annotation_file())
    bare = people.predictions(
        embeddings=np.zeros((6, 0), np.float32), query_embeddings=np.zeros((0, 0), np.float32)
    )
    report = evaluate_predictions(ground_truth, bare, GenericProtocol(), calibrated=True)
    write_details(tmp_path / 'none', report, ground_truth)
    assert not (tmp_path / 'none').exists()


def test_query_without_targets_has_an_empty_line(people, tmp_path):
    people.query(2, slot=1, person=1)
    ground_truth = GroundTruth.load(people.annotation_file())
    protocol = GenericProtocol()
    report = evaluate_predictions(ground_truth, people.predictions(), protocol, calibrated=True)
    write_details(tmp_path, report, ground_truth)
    assert (tmp_path / 'queries.csv').read_text().splitlines()[2] == 'all,1,2.jpg,1,,0,0,0,0'
