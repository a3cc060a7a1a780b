"""The person of an image who is searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mmps.gallery.visits import Query
from mmps.structures import DataError, FoundPeople

from .image_inputs import ImageLike, as_pixels

if TYPE_CHECKING:
    from .inferencer import PersonSearchInferencer


def find_query(
    inferencer: PersonSearchInferencer,
    image: ImageLike,
    name: str,
    box: Sequence[float] | None = None,
    pick: int | None = None,
    crop: bool = False,
) -> Query:
    """Embed the person of a query image.

    Args:
        inferencer: Loaded.
        image: The image.
        name: Of the image, for messages.
        box: The person, xyxy in pixels of the image.
        pick: Number of the person, by falling detection score from 1.
        crop: Whether the image shows the person alone.

    Returns:
        The person in the box, with the number, of the whole image, or who is found most clearly.

    Raises:
        DataError: Nobody is found, or there is no person of this number.
    """
    pixels = as_pixels(image)
    if box or crop:
        height, width = pixels.shape[:2]
        box = box or [0, 0, width, height]
        return Query(name, [float(x) for x in box], inferencer.embed(pixels, [box]))
    (people,) = inferencer.find([pixels])
    return pick_person(people, name, pick)


def pick_person(people: FoundPeople, name: str, pick: int | None = None) -> Query:
    """Choose the person of an image who is searched.

    Args:
        people: Of the image.
        name: Of the image, for messages.
        pick: Number of the person, by falling detection score from 1, which is the one who is
            found most clearly.

    Raises:
        DataError: Nobody is found, or there is no person of this number.
    """
    if not len(people):
        raise DataError(f'nobody is found in {name}: give --box, or --crop if it shows one person')
    numbered, order = number_people(people)
    number = 1 if pick is None else pick
    if not 1 <= number <= len(people):
        raise DataError(f'{name} shows {len(people)} people: --pick takes 1 to {len(people)}')
    chosen = order[number - 1]
    return Query(name, numbered[number - 1]['box'], people.embeddings[[chosen]])


def number_people(people: FoundPeople) -> tuple[list[dict[str, Any]], list[int]]:
    """Number the people of an image by falling detection score, from 1.

    Args:
        people: Of the image.

    Returns:
        ``number``, ``score`` and ``box`` of each, and their positions among ``people``.
    """
    order = people.scores.argsort(kind='stable')[::-1].tolist()
    numbered = [
        {
            'number': number,
            'score': round(float(people.scores[i]), 4),
            'box': [round(float(x), 2) for x in people.boxes[i]],
        }
        for number, i in enumerate(order, start=1)
    ]
    return numbered, order
