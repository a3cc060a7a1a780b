"""Detection recall and average precision of predictions."""

from __future__ import annotations

import numpy as np

from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions, SortedBoxes
from mmps.structures import is_labelled

from .functional.detection import average_precision, greedy_pairs, mutual_best_pairs
from .functional.matching import box_areas, paired_intersection, paired_iou, pairs_within_groups
from .protocols.conventions import of_convention

IOU_THR = 0.5


def detection_metrics(
    ground_truth: GroundTruth, predictions: Predictions, convention: str = 'legacy'
) -> dict[str, float]:
    """Measure the detector at IoU 0.5, over all people and over labelled people.

    Under ``legacy`` a box is right if it and its person are each other's best (``eval_detection``
    of OIM and SeqNet); under ``strict`` boxes choose by score, as in COCO's evaluator. Boxes that
    lie half or more in an ignore region, or on an unlabelled person where labelled people are
    counted, are neither right nor wrong.

    Args:
        ground_truth: The annotation file's content.
        predictions: Boxes and scores.
        convention: ``legacy`` or ``strict``.

    Returns:
        ``det/recall``, ``det/AP``, ``det_labelled/recall`` and ``det_labelled/AP``, fractions in
        0..1; what has no people is left out.
    """
    detections = predictions.by_image(ground_truth)
    people = np.flatnonzero(ground_truth.people)
    partner = _partners(ground_truth, people, detections, convention)
    right = partner >= 0
    counted = right | ~_in_ignore_region(ground_truth, detections)
    labelled = is_labelled(ground_truth.person_ids)
    right_labelled = right & labelled[np.maximum(partner, 0)] if len(people) else right
    return {
        **_rates('det', detections.scores[counted], right[counted], len(people)),
        **_rates(
            'det_labelled',
            detections.scores[counted & (right == right_labelled)],
            right_labelled[counted & (right == right_labelled)],
            int(labelled[people].sum()),
        ),
    }


def _rates(prefix: str, scores: np.ndarray, right: np.ndarray, people: int) -> dict[str, float]:
    if people == 0:
        return {}
    return {
        f'{prefix}/recall': float(right.sum() / people),
        f'{prefix}/AP': average_precision(scores, right, people),
    }


def _partners(
    ground_truth: GroundTruth, people: np.ndarray, detections: SortedBoxes, convention: str
) -> np.ndarray:
    """Find the annotation that each detection is right about, ``(N,)``, -1 for none."""
    items, members = pairs_within_groups(ground_truth.images[people], detections.offsets)
    overlaps = paired_iou(ground_truth.bboxes[people][items], detections.bboxes[members])
    close = overlaps >= IOU_THR
    items, members, overlaps = items[close], members[close], overlaps[close]
    matching = of_convention(convention, _mutual, _greedy)
    right = matching(items, members, overlaps, detections.scores, len(people))
    partner = np.full(len(detections), -1, dtype=np.int64)
    partner[members[right]] = people[items[right]]
    return partner


def _mutual(
    items: np.ndarray,
    members: np.ndarray,
    overlaps: np.ndarray,
    scores: np.ndarray,
    num_items: int,
) -> np.ndarray:
    return mutual_best_pairs(items, members, overlaps, num_items, len(scores))


def _greedy(
    items: np.ndarray,
    members: np.ndarray,
    overlaps: np.ndarray,
    scores: np.ndarray,
    num_items: int,
) -> np.ndarray:
    del num_items
    return greedy_pairs(items, members, overlaps, scores)


def _in_ignore_region(ground_truth: GroundTruth, detections: SortedBoxes) -> np.ndarray:
    regions = np.flatnonzero(ground_truth.ignored)
    items, members = pairs_within_groups(ground_truth.images[regions], detections.offsets)
    boxes = detections.bboxes[members]
    inside = paired_intersection(ground_truth.bboxes[regions][items], boxes)
    within = np.zeros(len(detections), dtype=bool)
    within[members[(inside > 0) & (inside >= IOU_THR * box_areas(boxes))]] = True
    return within
