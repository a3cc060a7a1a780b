from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmps.visualization import draw_ranked_lists, ranked_lists, spread_queries
from mmps.visualization.search_results import judge


def test_hits_come_in_order_judged_and_without_the_query_image(scene):
    ground_truth, predictions, root = scene
    (ranked,) = ranked_lists(ground_truth, predictions, root, [0])
    assert [hit.match for hit in ranked.hits] == ['wrong', 'right', 'unknown', 'unknown']
    assert [round(hit.score, 4) for hit in ranked.hits] == [0.8, 0.7, 0.6, 0.5]
    assert [hit.image_path.name for hit in ranked.hits] == ['11.jpg', '11.jpg', '12.jpg', '12.jpg']
    assert [hit.caption for hit in ranked.hits] == ['camera 1', 'camera 1', 'camera 0', 'camera 0']
    assert (ranked.image_path, ranked.title) == (root / '10.jpg', 'query 0, person 0')
    assert ranked.box.tolist() == [0, 5, 20, 45]
    assert len(draw_ranked_lists([ranked]).axes) == 6


def test_a_gallery_and_a_length_limit_the_hits(scene):
    ground_truth, predictions, root = scene
    (ranked,) = ranked_lists(ground_truth, predictions, root, [0], galleries=[np.array([0, 2])])
    assert [hit.image_path.name for hit in ranked.hits] == ['10.jpg', '12.jpg', '12.jpg']
    (ranked,) = ranked_lists(ground_truth, predictions, root, [0], top_k=1)
    assert len(ranked.hits) == 1


def test_predictions_of_a_bare_detector_are_refused(scene):
    ground_truth, predictions, root = scene
    bare = replace(predictions, embeddings=np.zeros((5, 0)), query_embeddings=np.zeros((1, 0)))
    with pytest.raises(ValueError, match='the predictions hold no embeddings'):
        ranked_lists(ground_truth, bare, root, [0])


@pytest.mark.parametrize('query', [-1, 1])
def test_a_query_that_is_not_there_is_named(scene, query):
    ground_truth, predictions, root = scene
    with pytest.raises(ValueError, match=rf'query {query} is not among the 1 queries'):
        ranked_lists(ground_truth, predictions, root, [query])


def test_ignore_regions_are_nobody(scene):
    ground_truth, _, _ = scene
    box = ground_truth.bboxes[1]
    assert judge(ground_truth, 1, box, 0) == 'right'
    ignored = replace(ground_truth, ignored=np.array([False, True, False, False]))
    assert judge(ignored, 1, box, 0) == 'unknown'


def test_equal_similarities_keep_their_order(scene):
    ground_truth, predictions, root = scene
    equal = replace(predictions, embeddings=np.ones((5, 1)))
    (ranked,) = ranked_lists(ground_truth, equal, root, [0], top_k=3)
    assert [hit.box[0] for hit in ranked.hits] == [1, 30, 2]


@pytest.mark.parametrize(('count', 'expected'), [(1, [4]), (2, [2, 5]), (9, [0, 2, 4, 5])])
def test_spread_queries_are_of_different_people(scene, count, expected):
    ground_truth, _, _ = scene
    many = replace(ground_truth, query_person_ids=np.array([7, 7, 3, 3, 5, 9]))
    assert spread_queries(many, count) == expected


def test_no_query_no_choice(scene):
    ground_truth, _, _ = scene
    none = replace(ground_truth, query_person_ids=np.zeros(0, int))
    assert spread_queries(none, 3) == []
