"""Person-search evaluation in plain loops, written from the protocols' texts.

Slow and literal on purpose: the tests compare the evaluator of ``mmps.evaluation`` with it, and
nothing else uses it. It takes plain lists and dictionaries and shares no code with the evaluator.

An *entry* is one image of a query's gallery: ``(image, box or None)``, the box being where the
query person is, xyxy. *Detections* are ``{image: (boxes, scores, embeddings)}``; images without
detections may be absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score

Box = Sequence[float]
Entry = tuple[int, Box | None]
DetectionsOfImages = dict[int, tuple[list[Box], list[float], np.ndarray]]


@dataclass(frozen=True)
class Person:
    """One annotated box.

    Attributes:
        image: Image that it is in.
        box: Box as xyxy.
        person_id: Identity, negative if unknown.
    """

    image: int
    box: Box
    person_id: int


@dataclass(frozen=True)
class Query:
    """A person to search for.

    Attributes:
        image: Image of the query.
        person_id: Identity of the person.
        camera: Camera of the image.
    """

    image: int
    person_id: int
    camera: int


def iou(a: Box, b: Box, last_pixel: int = 0) -> float:
    """Compute the intersection over union of two xyxy boxes.

    Args:
        a: First box as xyxy.
        b: Second box as xyxy.
        last_pixel: 1 to count the pixel in which a box ends.
    """
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + last_pixel)
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + last_pixel)
    area_a = (a[2] - a[0] + last_pixel) * (a[3] - a[1] + last_pixel)
    area_b = (b[2] - b[0] + last_pixel) * (b[3] - b[1] + last_pixel)
    union = area_a + area_b - width * height
    return width * height / union if union > 0 else 0.0


def size_aware_threshold(box: Box) -> float:
    """Compute the IoU from which a box counts as found: lower than 0.5 for small people."""
    width, height = box[2] - box[0], box[3] - box[1]
    return min(0.5, width * height / ((width + 10) * (height + 10)))


def other_image_entries(
    query: Query,
    cameras: dict[int, int],
    people: Sequence[Person],
    cross_camera: bool,
    legacy: bool,
) -> list[Entry]:
    """List the gallery of a query that is searched in all other images (PRW, generic).

    Args:
        query: The query.
        cameras: Camera of every image.
        people: Annotated boxes.
        cross_camera: Leave out images of the query's camera.
        legacy: Look for the first box of the person in an image only.
    """
    entries: list[Entry] = []
    for image, camera in cameras.items():
        if image == query.image or (cross_camera and camera == query.camera):
            continue
        boxes = [p.box for p in people if (p.image, p.person_id) == (image, query.person_id)]
        boxes = boxes[:1] if legacy else boxes
        entries += [(image, box) for box in boxes] or [(image, None)]
    return entries


def search_one_query(
    query: np.ndarray, entries: Sequence[Entry], detections: DetectionsOfImages, legacy: bool
) -> tuple[float, list[tuple[float, int]]]:
    """Evaluate one query as OIM's and SeqNet's evaluators do.

    Args:
        query: ``(D,)``.
        entries: The gallery.
        detections: Boxes of every image.
        legacy: Count but do not search an image that the gallery lists again (SeqNet). Otherwise
            search each image once for all boxes of its entries.

    Returns:
        The average precision, and (similarity, label) of every box that was searched.
    """
    labels: list[int] = []
    similarities: list[float] = []
    for image, targets in _searched_images(entries, legacy):
        if image not in detections:
            continue
        boxes, _, embeddings = detections[image]
        sims = embeddings @ query
        labels += _labels(boxes, sims, targets)
        similarities += sims.tolist()
    found, expected = sum(labels), _expected(entries, legacy)
    ap = 0.0
    if found:
        ap = float(average_precision_score(labels, similarities)) * found / expected
    return ap, list(zip(similarities, labels, strict=True))


def _labels(boxes: list[Box], sims: np.ndarray, targets: list[Box]) -> list[int]:
    """Assign targets to the boxes of an image in descending order of similarity."""
    labels = [0] * len(boxes)
    if not targets:
        return labels
    free = list(targets)
    for index in np.argsort(-sims, kind='stable').tolist():
        best, best_iou = None, 0.0
        for target in free:
            overlap = iou(target, boxes[index])
            if overlap >= size_aware_threshold(target) and overlap > best_iou:
                best, best_iou = target, overlap
        if best is not None:
            free.remove(best)
            labels[index] = 1
    return labels


def _searched_images(entries: Sequence[Entry], legacy: bool) -> list[tuple[int, list[Box]]]:
    """List each image once with the boxes that are looked for in it."""
    searched: dict[int, list[Box]] = {}
    for image, box in entries:
        if legacy and image in searched:
            continue
        boxes = searched.setdefault(image, [])
        if box is not None and not any(list(box) == list(other) for other in boxes):
            boxes.append(box)
    return sorted(searched.items())


def _expected(entries: Sequence[Entry], legacy: bool) -> int:
    """Count the boxes that should be found."""
    if legacy:
        return sum(box is not None for _, box in entries)
    return sum(len(boxes) for _, boxes in _searched_images(entries, legacy=False))


def first_rank(ranking: Sequence[tuple[float, int]]) -> int:
    """Return the rank of the first right box, 0 without one; ties keep their order."""
    ordered = sorted(ranking, key=lambda pair: -pair[0])
    for place, (_, label) in enumerate(ordered, start=1):
        if label:
            return place
    return 0


def detection_recall_and_ap(
    people: dict[int, list[Box]], detections: DetectionsOfImages
) -> tuple[float, float]:
    """Evaluate detection as OIM's and SeqNet's ``eval_detection`` do, at IoU 0.5.

    Args:
        people: Annotated boxes by image.
        detections: Boxes of every image.
    """
    labels: list[int] = []
    all_scores: list[float] = []
    for image, (boxes, scores, _) in detections.items():
        here = people.get(image, [])
        overlaps = np.array([[iou(person, box) for box in boxes] for person in here])
        for column in range(len(boxes)):
            label = 0
            for row in range(len(here)):
                best_row = int(np.argmax(overlaps[:, column]))
                best_column = int(np.argmax(overlaps[row]))
                if overlaps[row, column] >= 0.5 and (best_row, best_column) == (row, column):
                    label = 1
            labels.append(label)
        all_scores += scores
    found, total = sum(labels), sum(len(boxes) for boxes in people.values())
    ap = float(average_precision_score(labels, all_scores)) * found / total if found else 0.0
    return found / total, ap
