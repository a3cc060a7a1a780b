"""The rule of PRW's authors: boxes get identities first, doubtful boxes are junk.

Zheng et al., *Person Re-identification in the Wild*, CVPR 2017; their evaluation code
(``calculate_ID_cam_test``, ``compute_AP``).
"""

from __future__ import annotations

import numpy as np

from mmps.retrieval import most_similar
from mmps.structures import is_labelled

from .matching import best_of_each, paired_iou, with_last_pixel
from .ranking import RankedHits

JUNK = -1
"""Identity of a box that is neither right nor wrong for anybody."""
BACKGROUND = -2
"""Identity of a box on nobody, wrong for everybody."""

MATCH_IOU = 0.5
JUNK_IOU = 0.3
LAST_RANK = 1000


def assign_identities(
    pairs: tuple[np.ndarray, np.ndarray],
    bboxes: np.ndarray,
    images: np.ndarray,
    person_bboxes: np.ndarray,
    person_ids: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Assign to each detection the identity of the person that it overlaps most.

    From IoU 0.5 it is that person (junk, if the person is unlabelled), from 0.3 junk, below that
    background. Of several boxes of one identity in an image, that of greatest IoU keeps it, the
    others are junk. IoU counts the last pixel of a box.

    Args:
        pairs: ``(P,)`` detection, ascending, and ``(P,)`` person of the same image.
        bboxes: ``(N, 4)`` xyxy of the detections.
        images: ``(N,)`` image of each detection.
        person_bboxes: ``(A, 4)`` xyxy.
        person_ids: ``(A,)`` identities, ``UNLABELLED`` where unknown.

    Returns:
        ``(N,)`` identities, ``JUNK`` or ``BACKGROUND``, and ``(A,)`` true for people that some
        detection overlaps by 0.5 or more as its best.
    """
    detections, people = pairs
    overlaps = paired_iou(
        with_last_pixel(bboxes[detections]), with_last_pixel(person_bboxes[people])
    )
    best = best_of_each(detections, overlaps, len(bboxes))
    overlap = np.where(best >= 0, overlaps[best] if len(overlaps) else 0.0, 0.0)
    person = people[best] if len(people) else best
    matched = overlap >= MATCH_IOU
    identities = np.full(len(bboxes), BACKGROUND, dtype=np.int64)
    identities[overlap >= JUNK_IOU] = JUNK
    labels = person_ids[person[matched]]
    identities[matched] = np.where(is_labelled(labels), labels, JUNK)
    identities[_second_best(images, identities, overlap)] = JUNK
    found = np.zeros(len(person_ids), dtype=bool)
    found[person[matched]] = True
    return identities, found


def _second_best(images: np.ndarray, identities: np.ndarray, overlap: np.ndarray) -> np.ndarray:
    """Find the boxes of an identity and image whose overlap is not the greatest."""
    named = np.flatnonzero(identities >= 0)
    order = named[np.lexsort((named, -overlap[named], identities[named], images[named]))]
    image, identity = images[order], identities[order]
    again = (image[1:] == image[:-1]) & (identity[1:] == identity[:-1])
    return order[1:][again]


def rank_hits_trapezoid(similarities: np.ndarray, hits: np.ndarray, num_targets: int) -> RankedHits:
    """Measure the area under the precision-recall curve by trapezia, as PRW's authors do.

    Hits after place 1000 do not count. Equal similarities keep the order of the boxes.

    Args:
        similarities: ``(N,)`` to every box, ``-inf`` for junk and boxes outside the gallery.
        hits: ``(H,)`` positions of the right boxes, each at most once.
        num_targets: Number of right boxes that exist, at least H.
    """
    places = hit_places(similarities, hits, LAST_RANK)
    if len(places) == 0:
        return RankedHits(0.0, 0, len(hits))
    right = np.arange(1, len(places) + 1)
    before = np.divide(right - 1, places - 1, out=np.ones(len(places)), where=places > 1)
    area = (before + right / places).sum() / 2 / num_targets
    outranked = int((places > right).sum()) + len(hits) - len(places)
    return RankedHits(float(area), int(places[0]), outranked)


def hit_places(similarities: np.ndarray, hits: np.ndarray, last: int) -> np.ndarray:
    """Find the places of the hits, counted from 1; equal boxes keep their order.

    Args:
        similarities: ``(N,)`` to every box, ``-inf`` for boxes that have no place.
        hits: ``(H,)`` positions of the right boxes.
        last: Rank after which hits are left out.

    Returns:
        Places, ascending.
    """
    if len(hits) == 0:
        return np.zeros(0, dtype=np.int64)
    contenders = np.flatnonzero(similarities >= similarities[hits].min())
    best = contenders[most_similar(similarities[contenders], last)]
    return np.flatnonzero(np.isin(best, hits)) + 1
