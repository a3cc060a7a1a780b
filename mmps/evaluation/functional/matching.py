"""Matching of detections and annotated boxes.

Letters: P pairs, T targets (annotated boxes that are looked for), N detections, G groups (images).
"""

from __future__ import annotations

import numpy as np


def pairs_within_groups(groups: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair every item with all members of its group.

    Args:
        groups: ``(T,)`` group of each item.
        offsets: ``(G + 1,)``, group ``g`` owns the members ``offsets[g]:offsets[g + 1]``.

    Returns:
        ``(P,)`` items, ascending, and ``(P,)`` members, ascending within each item.
    """
    counts = offsets[groups + 1] - offsets[groups]
    items = np.repeat(np.arange(len(groups)), counts)
    before = np.cumsum(counts) - counts
    members = np.arange(len(items)) - np.repeat(before - offsets[groups], counts)
    return items, members


def paired_iou(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Compute the intersection over union of paired boxes, without adding a pixel to any side.

    Args:
        left: ``(P, 4)`` xyxy.
        right: ``(P, 4)`` xyxy.

    Returns:
        ``(P,)`` in 0..1; 0 where both boxes are empty.
    """
    overlap = paired_intersection(left, right)
    union = box_areas(left) + box_areas(right) - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)


def paired_intersection(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Compute the area that paired boxes share.

    Args:
        left: ``(P, 4)`` xyxy.
        right: ``(P, 4)`` xyxy.

    Returns:
        ``(P,)`` square pixels.
    """
    left, right = left.astype(np.float64), right.astype(np.float64)
    sides = np.minimum(left[:, 2:], right[:, 2:]) - np.maximum(left[:, :2], right[:, :2])
    return np.maximum(sides, 0).prod(axis=1)


def box_areas(boxes: np.ndarray) -> np.ndarray:
    """Compute the areas of ``(N, 4)`` xyxy boxes, in square pixels.

    Args:
        boxes: ``(N, 4)`` xyxy.
    """
    boxes = boxes.astype(np.float64)
    return (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)


def size_aware_thresholds(boxes: np.ndarray) -> np.ndarray:
    """Lower the IoU that counts as found where a few pixels matter: on small people.

    ``min(0.5, w h / ((w + 10) (h + 10)))``, as in the CUHK-SYSU evaluator and its successors.

    Args:
        boxes: ``(T, 4)`` xyxy in original pixels.

    Returns:
        ``(T,)`` thresholds in 0..0.5.
    """
    sides = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    return np.minimum(0.5, sides.prod(axis=1) / (sides + 10).prod(axis=1))


def best_of_each(items: np.ndarray, values: np.ndarray, num_items: int) -> np.ndarray:
    """Find each item's pair of greatest value.

    Args:
        items: ``(P,)`` item of each pair, ascending.
        values: ``(P,)`` value of each pair.
        num_items: Number of items.

    Returns:
        ``(num_items,)`` position of the first pair of greatest value, -1 where an item has none.
    """
    best = np.full(num_items, -1, dtype=np.int64)
    if len(items) == 0:
        return best
    starts = np.flatnonzero(np.r_[True, items[1:] != items[:-1]])
    highest = np.maximum.reduceat(values, starts)
    counts = np.diff(np.r_[starts, len(items)])
    candidates = np.flatnonzero(values == np.repeat(highest, counts))
    best[items[candidates][::-1]] = candidates[::-1]  # the first of equals is written last
    return best


def repeated_pairs(left: np.ndarray, right: np.ndarray) -> list[np.ndarray]:
    """Find positions at which the same pair of numbers stands.

    Args:
        left: ``(T,)`` integers.
        right: ``(T,)`` integers.

    Returns:
        One array of at least two positions per repeated pair.
    """
    order = np.lexsort((right, left))
    same = (left[order][1:] == left[order][:-1]) & (right[order][1:] == right[order][:-1])
    if not same.any():
        return []
    runs = np.split(order, np.flatnonzero(~same) + 1)
    return [np.sort(run) for run in runs if len(run) > 1]


def one_to_one(
    items: np.ndarray, members: np.ndarray, values: np.ndarray, overlaps: np.ndarray
) -> dict[int, int]:
    """Assign items to members in descending order of value, each item once.

    A member takes the free item that it overlaps most. For a single item this is its member of
    greatest value.

    Args:
        items: ``(P,)`` item of each pair.
        members: ``(P,)`` member of each pair.
        values: ``(P,)`` value of the member; ties go to the smaller member.
        overlaps: ``(P,)`` IoU of the pair.

    Returns:
        The member of each item that got one.
    """
    chosen: dict[int, int] = {}
    taken: set[int] = set()
    for pair in np.lexsort((items, -overlaps, members, -values)):
        item, member = int(items[pair]), int(members[pair])
        if item not in chosen and member not in taken:
            chosen[item] = member
            taken.add(member)
    return chosen


def with_last_pixel(boxes: np.ndarray) -> np.ndarray:
    """Count the pixel in which a box ends as part of it (PRW's authors, AlignPS, PSTR).

    Args:
        boxes: ``(N, 4)`` xyxy.

    Returns:
        ``(N, 4)`` xyxy, one pixel wider and higher.
    """
    return boxes + np.array([0, 0, 1, 1])
