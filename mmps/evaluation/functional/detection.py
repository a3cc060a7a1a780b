"""Detection recall and average precision as the person-search literature counts them."""

from __future__ import annotations

import numpy as np

from .matching import best_of_each, one_to_one


def mutual_best_pairs(
    items: np.ndarray, members: np.ndarray, overlaps: np.ndarray, num_items: int, num_members: int
) -> np.ndarray:
    """Find the pairs that are best for both sides.

    OIM's and SeqNet's ``eval_detection``: a detection is right when its best person has it as best.

    Args:
        items: ``(P,)`` annotated person of each pair, ascending.
        members: ``(P,)`` detection of each pair, ascending within each person.
        overlaps: ``(P,)`` IoU.
        num_items: Number of annotated people.
        num_members: Number of detections.

    Returns:
        ``(P,)`` booleans.
    """
    best_member = best_of_each(items, overlaps, num_items)
    order = np.argsort(members, kind='stable')
    best_item = best_of_each(members[order], overlaps[order], num_members)
    mutual = np.zeros(len(items), dtype=bool)
    forward = best_member[best_member >= 0]
    backward = order[best_item[best_item >= 0]]
    mutual[np.intersect1d(forward, backward)] = True
    return mutual


def greedy_pairs(
    items: np.ndarray, members: np.ndarray, overlaps: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """Assign people to detections in descending order of score, each person once.

    The rule of COCO's evaluator at one IoU threshold: a detection takes the free person that it
    overlaps most.

    Args:
        items: ``(P,)`` annotated person of each pair that overlaps enough.
        members: ``(P,)`` detection of each pair.
        overlaps: ``(P,)`` IoU.
        scores: ``(N,)`` score of every detection.

    Returns:
        ``(P,)`` booleans.
    """
    chosen = one_to_one(items, members, scores[members], overlaps)
    partner = np.full(int(items.max(initial=-1)) + 1, -1)
    partner[list(chosen)] = list(chosen.values())
    return partner[items] == members


def average_precision(scores: np.ndarray, correct: np.ndarray, num_people: int) -> float:
    """Average the precision over the people, those without a detection counting 0.

    scikit-learn's average precision times the recall; equal scores share one place.

    Args:
        scores: ``(N,)`` detection scores.
        correct: ``(N,)`` true for detections that are right.
        num_people: Number of annotated people.

    Returns:
        In 0..1, NaN without people.
    """
    if num_people == 0:
        return float('nan')
    all_scores, right_scores = np.sort(scores), np.sort(scores[correct])
    right = len(right_scores) - np.searchsorted(right_scores, right_scores, side='left')
    every = len(all_scores) - np.searchsorted(all_scores, right_scores, side='left')
    return float((right / every).sum() / num_people)
