from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmps.evaluation import CUHKSYSUProtocol, GroundTruth, evaluate_predictions
from mmps.formats.annotations import listing_digest
from mmps.structures import DataError
from mmps.testing import reference_evaluator as reference
from mmps.testing.search_data import random_search_data


def naive(problem, legacy):
    aps, ranks = [], []
    for query, entries in zip(problem.embeddings, problem.galleries, strict=True):
        ap, ranking = reference.search_one_query(query, entries, problem.detections, legacy)
        aps.append(ap)
        ranks.append(reference.first_rank(ranking))
    people = {}
    for person in problem.people:
        people.setdefault(person.image, []).append(person.box)
    return aps, ranks, reference.detection_recall_and_ap(people, problem.detections)


@pytest.mark.parametrize('convention', ['legacy', 'strict'])
@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), images=st.integers(1, 6), queries=st.integers(1, 4))
def test_equals_the_plain_loops(convention, plain, tmp_path_factory, seed, images, queries):
    data = random_search_data(np.random.default_rng(seed), images, 3, queries)
    annotation, _ = data.write(tmp_path_factory.mktemp('case'))
    report = evaluate_predictions(
        GroundTruth.load(annotation), data.predictions, CUHKSYSUProtocol(convention=convention)
    )
    aps, ranks, (recall, ap) = naive(plain(data), convention == 'legacy')
    np.testing.assert_allclose(report.queries['g100'].average_precision, aps, atol=1e-12)
    assert report.queries['g100'].first_rank.tolist() == ranks
    if convention == 'legacy':
        assert report.metrics['det/recall'] == pytest.approx(recall, abs=1e-12)
        assert report.metrics['det/AP'] == pytest.approx(ap, abs=1e-12)


@pytest.fixture
def two_images(scene):
    """A person in image 2; images 3 and 4 without; the query is in image 1."""
    scene.image(1, [0]).image(2, [0, 1]).image(3, [2]).image(4, [3])
    scene.query(1)
    return scene


def evaluate(scene, **options):
    protocol = CUHKSYSUProtocol(**options)
    return evaluate_predictions(
        GroundTruth.load(scene.annotation_file()), scene.predictions(), protocol
    )


def test_second_place_is_worth_a_half(two_images):
    two_images.galleries(100, [[(2, two_images.box(0)), (3, None)]])
    two_images.detect(2, 0, 0.8).detect(3, 0, 0.9).detect(4, 0, 1.0)
    report = evaluate(two_images)
    assert report.metrics['g100/mAP'] == 0.5
    assert report.metrics['g100/top1'] == 0.0
    assert report.metrics['g100/top5'] == 1.0
    assert report.queries['g100'].num_outranked.tolist() == [1]


def test_second_good_box_on_a_person_is_wrong(two_images):
    two_images.galleries(100, [[(2, two_images.box(0)), (3, None)]])
    two_images.detect(2, 0, 0.7, shift=1).detect(2, 0, 0.9)
    assert evaluate(two_images).metrics['g100/mAP'] == 1.0


def test_missed_person_counts(two_images):
    gallery = [(2, two_images.box(0)), (3, two_images.box(0))]
    two_images.galleries(100, [gallery]).detect(2, 0, 0.9)
    report = evaluate(two_images)
    assert report.metrics['g100/mAP'] == 0.5
    assert report.queries['g100'].num_undetected.tolist() == [1]


def test_no_detection_at_all(two_images):
    two_images.galleries(100, [[(2, two_images.box(0))]])
    metrics = evaluate(two_images).metrics
    assert metrics['g100/mAP'] == metrics['g100/top10'] == metrics['det/AP'] == 0.0


def test_score_threshold_is_inclusive(two_images):
    two_images.galleries(100, [[(2, two_images.box(0)), (3, None)]])
    two_images.detect(2, 0, 0.8, score=0.5).detect(3, 0, 0.9, score=0.25)
    ground_truth = GroundTruth.load(two_images.annotation_file())
    report = evaluate_predictions(
        ground_truth, two_images.predictions(), CUHKSYSUProtocol(), score_thr=0.5
    )
    assert report.metrics['g100/mAP'] == 1.0


@pytest.mark.parametrize(('convention', 'cap'), [('legacy', 0.5), ('strict', 1.0)])
def test_same_box_listed_twice(two_images, convention, cap):
    gallery = [(2, two_images.box(0)), (2, two_images.box(0))]
    two_images.galleries(100, [gallery]).detect(2, 0, 0.9)
    assert evaluate(two_images, convention=convention).metrics['g100/mAP'] == cap


@pytest.mark.parametrize(('convention', 'cap'), [('legacy', 0.5), ('strict', 1.0)])
def test_two_boxes_of_an_image_listed(two_images, convention, cap):
    gallery = [(2, two_images.box(0)), (2, two_images.box(1))]
    two_images.galleries(100, [gallery]).detect(2, 0, 0.9).detect(2, 1, 0.8)
    assert evaluate(two_images, convention=convention).metrics['g100/mAP'] == cap


def test_twins_need_two_detections(two_images):
    """Two listed boxes that overlap: one detection covers both, but is one hit."""
    x, y, width, height = two_images.box(0)
    gallery = [(2, [x, y, width, height]), (2, [x + 2, y, width, height])]
    two_images.galleries(100, [gallery]).detect(2, 0, 0.9)
    assert evaluate(two_images, convention='strict').metrics['g100/mAP'] == 0.5


def test_sizes_in_one_run(two_images):
    two_images.galleries(50, [[(2, two_images.box(0))]])
    two_images.galleries(100, [[(2, two_images.box(0)), (3, None)]])
    two_images.galleries('occlusion', [[(2, two_images.box(0)), (4, None)]])
    two_images.detect(2, 0, 0.8).detect(3, 0, 0.9).detect(4, 0, 0.7).detect(1, 0, 1.0)
    report = evaluate(two_images, gallery_sizes=(50, '100', 'occlusion', 'full'))
    values = {k: v for k, v in report.metrics.items() if k.endswith('mAP')}
    expected = {'g50/mAP': 1.0, 'g100/mAP': 0.5, 'occlusion/mAP': 1.0, 'full/mAP': 0.5}
    assert values == expected


def test_full_gallery_without_any_list(two_images):
    two_images.galleries('occlusion', [[(2, two_images.box(0))]]).detect(2, 0, 0.9)
    with pytest.raises(DataError, match=r"gallery size 'full' takes .* holds none: convert"):
        evaluate(two_images, gallery_sizes=('full',))


def test_full_gallery_keeps_a_listed_own_image(scene):
    scene.image(1, [0, 0]).image(2, [1]).query(1, slot=0)
    scene.galleries(50, [[(1, scene.box(1))]]).detect(1, 1, 0.9).detect(2, 0, 0.5)
    assert evaluate(scene, gallery_sizes=('full',)).metrics['full/mAP'] == 1.0


def test_subset_names_its_queries(scene):
    scene.image(1, [0]).image(2, [1]).image(3, [1]).query(1, person=0).query(2, person=1)
    np.savez(
        scene.directory / 'galleries_resolution.npz',
        offsets=np.array([0, 1]),
        image_ids=np.array([3]),
        bboxes=np.array([scene.box(0)], dtype=np.float32),
        query_index=np.array([1]),
    )
    report = evaluate(scene.detect(3, 0, 1.0), gallery_sizes=('resolution',))
    assert report.metrics['resolution/mAP'] == 1.0
    assert report.queries['resolution'].query_index.tolist() == [1]


def test_small_person_is_found_at_a_lower_iou(scene):
    scene.image(1, [0]).image(2).query(1)
    scene.galleries(100, [[(2, [0.0, 0.0, 12.0, 24.0])]])
    scene.rows.append((2, [0.0, 0.0, 12.0, 10.0], 1.0, [1.0]))  # IoU 0.417, threshold 0.385
    assert evaluate(scene).metrics['g100/mAP'] == 1.0


def test_missing_size_names_those_that_exist(two_images):
    two_images.galleries(50, [[]]).galleries('occlusion', [[]])
    with pytest.raises(DataError, match=r'galleries_4000\.npz .* there: 50, occlusion'):
        evaluate(two_images, gallery_sizes=(4000,))


def test_galleries_of_other_queries(two_images):
    two_images.galleries(100, [[(2, None)], [(2, None)]])
    with pytest.raises(DataError, match=r'galleries for 2 queries, but .* has 1 queries'):
        evaluate(two_images)


def test_galleries_of_fewer_queries_must_name_them(two_images):
    two_images.query(2).galleries(100, [[(2, None)]])
    with pytest.raises(DataError, match=r'galleries for 1 queries, but .* has 2 queries'):
        evaluate(two_images)


def test_galleries_of_another_conversion(two_images):
    """Converted without image 1, image 2 was called 1: the numbers exist, the images differ."""
    two_images.galleries(100, [[(2, two_images.box(0)), (3, None)]]).detect(2, 0, 0.9)
    path = two_images.directory / 'galleries_100.npz'
    stored = dict(np.load(path))
    content = json.loads(two_images.annotation_file().read_text())
    np.savez(path, **stored, listing=listing_digest(content))
    assert evaluate(two_images).metrics['g100/mAP'] == 1.0
    for number, image in enumerate(content['images']):
        image['file_name'] = f'{number}.jpg'
    np.savez(path, **stored, listing=listing_digest(content))
    sentence = r'galleries_100\.npz was made with other images or queries than .*test\.json lists'
    with pytest.raises(DataError, match=sentence):
        evaluate(two_images)


def test_gallery_image_that_is_not_in_the_file(two_images):
    two_images.galleries(100, [[(77, None)]])
    with pytest.raises(DataError, match=r'galleries_100\.npz names image id 77'):
        evaluate(two_images)
