"""How far an exported model is from the one that was exported."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmps.structures import FoundPeople

from .image_inputs import ImageLike, as_pixels
from .inferencer import PersonSearchInferencer

PIXELS, COSINE = 0.5, 0.9999
"""Largest difference of boxes, and smallest cosine of embeddings, of models that count as equal."""


@dataclass(frozen=True)
class Parity:
    """The results of two models on the same images.

    Attributes:
        expected: People that the first one finds.
        people: Those among them that the second one finds too.
        further: People that only the second one finds.
        pixels: Largest difference of a corner of a box that both find.
        cosine: Smallest cosine similarity of two embeddings of one person.
        seconds: Median time of an image of both.
    """

    expected: int
    people: int
    further: int
    pixels: float
    cosine: float
    seconds: tuple[float, float]

    @property
    def is_equal(self) -> bool:
        """Whether both find the same people, with the same boxes and embeddings."""
        same = self.people == self.expected and not self.further
        return same and self.pixels <= PIXELS and self.cosine >= COSINE


def compare(
    first: PersonSearchInferencer, second: PersonSearchInferencer, images: Sequence[ImageLike]
) -> Parity:
    """Run two models on the same images, one image at a time.

    Args:
        first: A model.
        second: Another one.
        images: What they search for people.
    """
    times: tuple[list[float], list[float]] = ([], [])
    expected = people = further = 0
    pixels, cosine = 0.0, 1.0
    for image in images:
        given = as_pixels(image)
        one, other = (
            _timed(model, given, spent) for model, spent in zip((first, second), times, strict=True)
        )
        pairs = _pairs(one, other)
        expected, people = expected + len(one), people + len(pairs)
        further += len(other) - len(pairs)
        for i, j in pairs:
            pixels = max(pixels, float(np.abs(one.boxes[i] - other.boxes[j]).max()))
            cosine = min(cosine, float(one.embeddings[i] @ other.embeddings[j]))
    medians = tuple(float(np.median(spent)) for spent in times)
    return Parity(expected, people, further, pixels, cosine, medians)


def _timed(model: PersonSearchInferencer, image: np.ndarray, spent: list[float]) -> FoundPeople:
    begin = time.perf_counter()
    (found,) = model.find([image])
    spent.append(time.perf_counter() - begin)
    return found


def _pairs(one: FoundPeople, other: FoundPeople) -> list[tuple[int, int]]:
    """Pair each box with the nearest one that is free, within a few pixels."""
    pairs, free = [], set(range(len(other)))
    for i, box in enumerate(one.boxes):
        if free:
            j = min(free, key=lambda j: float(np.abs(other.boxes[j] - box).max()))
            if np.abs(other.boxes[j] - box).max() <= 10 * PIXELS:
                pairs.append((i, j))
                free.remove(j)
    return pairs
