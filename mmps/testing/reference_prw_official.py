"""The rule of PRW's authors in plain loops; see ``reference_evaluator``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .reference_evaluator import DetectionsOfImages, Person, Query, iou

BACKGROUND, JUNK = 'background', 'junk'


def assign(
    detections: DetectionsOfImages, people: Sequence[Person]
) -> tuple[dict[int, list], list[Person]]:
    """Assign an identity to each detection.

    Args:
        detections: Boxes of every image.
        people: Annotated boxes.

    Returns:
        Identities by image, in the order of the boxes, and the people that were missed in images
        that have detections.
    """
    names: dict[int, list] = {}
    missed: list[Person] = []
    for image, (boxes, _, _) in detections.items():
        here = [person for person in people if person.image == image]
        seen = [False] * len(here)
        labels: list = []
        overlaps = []
        for box in boxes:
            all_overlaps = [iou(person.box, box, last_pixel=1) for person in here]
            best = max(all_overlaps, default=0.0)
            overlaps.append(best)
            label = BACKGROUND if best < 0.3 else JUNK
            if best >= 0.5:
                index = all_overlaps.index(best)
                seen[index] = True
                label = here[index].person_id if here[index].person_id >= 0 else JUNK
            labels.append(label)
        for identity in {label for label in labels if isinstance(label, int)}:
            same = [i for i, label in enumerate(labels) if label == identity]
            keeper = max(same, key=lambda i: overlaps[i])
            for i in same:
                labels[i] = identity if i == keeper else JUNK
        names[image] = labels
        missed += [p for p, was_seen in zip(here, seen, strict=True) if not was_seen]
    return names, [person for person in missed if person.person_id >= 0]


def search_one_query(
    query: Query,
    embedding: np.ndarray,
    cameras: dict[int, int],
    detections: DetectionsOfImages,
    assigned: tuple[dict[int, list], list[Person]],
    score_thr: float,
) -> tuple[float, int]:
    """Evaluate one query.

    Args:
        query: The query.
        embedding: ``(D,)``.
        cameras: Camera of every image.
        detections: Boxes of every image.
        assigned: Result of ``assign``.
        score_thr: Boxes below it have no rank, but people in them still count.

    Returns:
        The average precision by the trapezoidal rule, and the rank of the first hit, 0 without one.
    """
    names, missed = assigned
    good = sum(p.person_id == query.person_id and cameras[p.image] != query.camera for p in missed)
    ranking = []
    for image in sorted(detections):
        _, scores, embeddings = detections[image]
        for name, score, other in zip(names[image], scores, embeddings, strict=True):
            right = name == query.person_id and cameras[image] != query.camera
            good += right
            junk = name == JUNK or (name == query.person_id and not right)
            if not junk and score >= score_thr:
                ranking.append((float(other @ embedding), right))
    ranking.sort(key=lambda pair: -pair[0])
    old_recall, old_precision, area, hits, first = 0.0, 1.0, 0.0, 0, 0
    for place, (_, right) in enumerate(ranking, start=1):
        if right and place <= 1000:
            hits += 1
            first = first or place
        recall, precision = hits / max(good, 1), hits / place
        area += (recall - old_recall) * (old_precision + precision) / 2
        old_recall, old_precision = recall, precision
    return area, first
