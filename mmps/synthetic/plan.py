"""Who appears in which image: decided before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmps.structures import UserError

MIN_APPEARANCES = 2


class RecipeError(UserError):
    """A set cannot be drawn in the requested size; the message states what to change."""


@dataclass(frozen=True)
class Crowd:
    """How many people a domain shows.

    Attributes:
        people: Smallest and largest number of identities in an image.
        strangers: Largest number of people without identity in an image.
        identities: Identities per image of the whole set; that of the layout if None.
    """

    people: tuple[int, int] = (2, 4)
    strangers: int = 2
    identities: float | None = None


@dataclass(frozen=True)
class SceneSpec:
    """One image to draw.

    Attributes:
        index: Number of the image in the whole set.
        split: The part of the set that it belongs to.
        camera: Number of the camera.
        identities: The identities in it.
        strangers: Maximum number of people without identity.
    """

    index: int
    split: str
    camera: int
    identities: tuple[int, ...]
    strangers: int


def share(total: int, fractions: dict[str, float]) -> dict[str, int]:
    """Divide a number among the parts of a set.

    Args:
        total: The number to divide.
        fractions: Name of each part and its fraction; the fractions sum to 1.

    Returns:
        Whole numbers that sum to ``total``.
    """
    *names, last = fractions
    parts = {name: round(total * fractions[name]) for name in names}
    return {**parts, last: total - sum(parts.values())}


def plan_split(
    split: str,
    images: int,
    identities: range,
    cameras: int,
    first_index: int,
    rng: np.random.Generator,
    crowd: Crowd = Crowd(),
) -> list[SceneSpec]:
    """Plan one part of a set.

    Args:
        split: Name of the part.
        images: Number of its images.
        identities: The identities that appear in it, at least twice each.
        cameras: Number of cameras.
        first_index: Number of its first image in the whole set.
        rng: Stream of this part.
        crowd: How many people there are in an image.

    Returns:
        The images in order.

    Raises:
        RecipeError: There are too few images for that many identities.
    """
    if not identities:
        raise RecipeError(f'{split!r} has no identities; increase --identities')
    most = min(crowd.people[1], len(identities))
    least = min(crowd.people[0], most)
    counts = rng.integers(least, most + 1, images)
    needed = MIN_APPEARANCES * len(identities)
    if counts.sum() < needed:
        counts[:] = most
    if counts.sum() < needed or images < MIN_APPEARANCES:
        raise RecipeError(
            f'{images} images are too few for {len(identities)} identities in {split!r}: '
            f'each must appear {MIN_APPEARANCES} times, at most {most} to an image; '
            'increase --images or reduce --identities'
        )
    casts = _cast(counts, _quotas(int(counts.sum()), len(identities), images, rng), rng)
    return [
        SceneSpec(
            index=first_index + k,
            split=split,
            camera=int(rng.integers(cameras)),
            identities=tuple(identities[i] for i in cast),
            strangers=int(rng.integers(0, crowd.strangers + 1)),
        )
        for k, cast in enumerate(casts)
    ]


def _quotas(slots: int, people: int, images: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the appearances of each identity, such that all slots are filled."""
    wish = rng.uniform(5, 8, people)
    quotas = np.maximum((wish / wish.sum() * slots).astype(int), MIN_APPEARANCES)
    quotas = np.minimum(quotas, images)
    gap = slots - int(quotas.sum())
    while gap:
        for i in rng.permutation(people):
            changed = np.clip(quotas[i] + np.sign(gap), MIN_APPEARANCES, images)
            gap -= int(changed - quotas[i])
            quotas[i] = changed
    return quotas


def _cast(counts: np.ndarray, quotas: np.ndarray, rng: np.random.Generator) -> list[list[int]]:
    """Fill the images with the identities that have most appearances left, at random among equals.

    Largest-first fills any degree sequence that can be filled (Ryser 1957).
    """
    left = quotas.astype(float)
    casts: list[list[int]] = [[] for _ in counts]
    for k in rng.permutation(len(counts)):
        order = np.argsort(-(left + 0.9 * rng.random(len(left))))
        chosen = order[: counts[k]]
        left[chosen] -= 1
        casts[k] = sorted(int(i) for i in chosen)
    return casts
