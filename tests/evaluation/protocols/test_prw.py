from __future__ import annotations

import numpy as np
import pytest

from mmps.evaluation import GroundTruth, PRWProtocol, evaluate_predictions
from mmps.evaluation.protocols.prw import whole_pixels


def test_whole_pixels_cut_negatives_before_the_far_corner():
    # x -4 and width 272 end at 272; 654.389 + 116.599 = 770.988 ends at 770
    boxes = np.array([[-4.0, 10.9, 268.0, 20.9], [654.389, 624.883, 770.988, 984.201]])
    expected = [[0, 10, 272, 20], [654, 624, 770, 984]]
    assert whole_pixels(boxes).tolist() == expected


@pytest.mark.parametrize(('convention', 'expected'), [('legacy', 1.0), ('strict', 0.0)])
def test_convention_decides_on_pixels(scene, convention, expected):
    """IoU 0.5 is reached with the cut box only: width 20.9 is 20 whole pixels."""
    scene.image(1, [0]).image(2).query(1)
    box = [0.0, 0.0, 20.9, 200.0]
    scene.annotations.append({'id': 9, 'image_id': 2, 'bbox': box, 'person_id': 0})
    scene.rows.append((2, [0.0, 0.0, 10.0, 200.0], 1.0, [1.0]))
    report = evaluate_predictions(
        GroundTruth.load(scene.annotation_file()),
        scene.predictions(),
        PRWProtocol(convention=convention),
    )
    # the size-aware threshold, 0.645 for this box, is no lower than 0.5
    assert report.metrics['mAP'] == expected


def test_unlabelled_people_are_wrong_boxes(scene):
    scene.image(1, [0]).image(2, [0, -1]).query(1).detect(2, 0, 0.8).detect(2, 1, 0.9)
    report = evaluate_predictions(
        GroundTruth.load(scene.annotation_file()), scene.predictions(), PRWProtocol()
    )
    assert report.metrics['mAP'] == 0.5
