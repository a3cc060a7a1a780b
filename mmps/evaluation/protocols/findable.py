"""Whom queries can find at all: what the annotation alone decides is said before any work."""

from __future__ import annotations

import logging

import numpy as np
from mmengine.logging import print_log

from mmps.formats.ground_truth import NO_CAMERA, NO_VISIT, GroundTruth
from mmps.structures import DataError

from ..functional.matching import pairs_within_groups


def check_findable(ground_truth: GroundTruth, setting: str, targets: np.ndarray, why: str) -> None:
    """Refuse a search in which nobody can be found, and warn of queries that do not count.

    Args:
        ground_truth: The annotation file's content.
        setting: Of the search, such as ``g100``; may be empty.
        targets: ``(Q,)`` number of right boxes that exist.
        why: Why some queries have none, and what helps.

    Raises:
        DataError: No query has any.
    """
    path = f'{ground_truth.path} ({setting})' if setting else str(ground_truth.path)
    counted = int((targets > 0).sum())
    if len(targets) and not counted:
        raise DataError(f'{path}: no query of {len(targets)} has a person to find: {why}.')
    if counted < len(targets):
        print_log(
            f'{path}: {nobody_to_find(targets)}: {why}', logger='current', level=logging.WARNING
        )


def nobody_to_find(targets: np.ndarray) -> str:
    """Describe how many queries do not count.

    Args:
        targets: ``(Q,)`` number of right boxes that exist.
    """
    nobody, total = int((targets == 0).sum()), len(targets)
    rest = 'has nobody to find and does' if nobody == 1 else 'have nobody to find and do'
    return f'{nobody} of {total} queries {rest} not count'


def why_nobody(
    ground_truth: GroundTruth,
    queries: np.ndarray,
    across_cameras: bool,
    other_visits: bool = False,
) -> str:
    """Describe where the people of queries are, if not in another image, and the fix.

    Args:
        ground_truth: The annotation file's content.
        queries: ``(M,)`` positions of queries that have nobody to find.
        across_cameras: Whether images of the query's camera are left out.
        other_visits: Whether boxes of the query's visit are left out.
    """
    rows, annotations = same_person_pairs(ground_truth)
    images = ground_truth.images[annotations]
    elsewhere = images != ground_truth.query_images[rows]
    annotated, in_others = np.isin(queries, rows), np.isin(queries, rows[elsewhere])
    cameras = np.unique(ground_truth.query_cameras[queries[in_others]]).tolist()
    camera = f'camera {cameras[0]}' if len(cameras) == 1 else "the query's camera"
    identities = 'check the identities of the queries'
    reasons = [
        (~annotated, 'no box has their person_id', identities),
        (annotated & ~in_others, "their person is in the query's own image only", identities),
    ]
    if across_cameras:
        rule = f'their person is in {camera} only, and this rule searches the other cameras'
        reasons.append((in_others, rule, 'count all cameras'))
    elif other_visits:
        rule = "their person has no other visit than the query's, and this rule searches the others"
        reasons.append((in_others, rule, 'count all visits'))
    there = [(int(which.sum()), reason, cure) for which, reason, cure in reasons if which.any()]
    numbers = [f'{count} x ' if len(there) > 1 else '' for count, _, _ in there]
    found = ', '.join(f'{n}{reason}' for n, (_, reason, _) in zip(numbers, there, strict=True))
    return f'{found}; {" or ".join(dict.fromkeys(cure for _, _, cure in there))}'


def require_cameras(ground_truth: GroundTruth) -> None:
    """Check that every image and every query has a camera.

    Args:
        ground_truth: The annotation file's content.

    Raises:
        DataError: A camera is unknown.
    """
    cameras = np.concatenate([ground_truth.image_cameras, ground_truth.query_cameras])
    if (cameras == NO_CAMERA).any():
        raise DataError(
            f'{ground_truth.path} has images or queries without camera_id, which this camera rule '
            'needs; add them or count all cameras.'
        )


def require_visits(ground_truth: GroundTruth) -> None:
    """Check that every query has a visit, and every box of its person.

    Args:
        ground_truth: The annotation file's content.

    Raises:
        DataError: A visit is unknown.
    """
    boxes, queries = ground_truth.visits, ground_truth.query_visits
    known = boxes is not None and queries is not None
    if known:
        searched = np.isin(ground_truth.person_ids, ground_truth.query_person_ids)
        needed = np.concatenate([queries, boxes[searched & ground_truth.people]])
        known = bool((needed != NO_VISIT).all())
    if not known:
        raise DataError(
            f'{ground_truth.path} has queries, or boxes of their people, without visit, which the '
            'rule of other visits needs; add them (mot_tracks.py --visits) or count all visits.'
        )


def same_person_pairs(ground_truth: GroundTruth) -> tuple[np.ndarray, np.ndarray]:
    """Pair each query with all annotated boxes of its person, its own box included.

    Args:
        ground_truth: The annotation file's content.

    Returns:
        ``(P,)`` queries, ascending, and ``(P,)`` annotations, ascending within each query.
    """
    people = np.flatnonzero(ground_truth.people)
    order = people[np.argsort(ground_truth.person_ids[people], kind='stable')]
    identities, starts = np.unique(ground_truth.person_ids[order], return_index=True)
    offsets = np.r_[starts, len(order)]
    group = np.searchsorted(identities, ground_truth.query_person_ids)
    known = np.isin(ground_truth.query_person_ids, identities)
    queries, members = pairs_within_groups(group[known], offsets)
    return np.flatnonzero(known)[queries], order[members]
