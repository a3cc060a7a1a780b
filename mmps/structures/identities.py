"""Person identities: what marks people of unknown identity, numbering, several data sets."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from torch import Tensor

UNLABELLED = -1
"""``person_id`` that is written for people of unknown identity; any negative one means that."""

PERSON_LABEL = 0
"""Class of people: the only one in annotations, the first of a detector of COCO's 80 classes."""

_SPACE_BITS = 62


def is_labelled(person_ids: np.ndarray) -> np.ndarray:
    """Check which people have a known identity.

    Args:
        person_ids: ``(N,)`` identities, negative where unknown: PRW marks unknown people -2,
            others -1 (NumPy, torch, or a single number).

    Returns:
        ``(N,)`` booleans.
    """
    return person_ids >= 0


def relabel(
    person_ids: np.ndarray, spaces: Sequence[int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Number the identities 0, 1, ... in ascending order of the original ids.

    Args:
        person_ids: ``(N,)`` integers, negative where unknown.
        spaces: N numbers that differ where equal ids are other people, as in other data sets;
            identities are then numbered space by space, in the order of their first people.

    Returns:
        ``(N,)`` contiguous identities, ``UNLABELLED`` where unknown, and ``(I,)`` the original id
        of each.
    """
    person_ids = np.asarray(person_ids, dtype=np.int64)
    spaces = [0] * len(person_ids) if spaces is None else spaces
    order = {space: place for place, space in enumerate(dict.fromkeys(spaces))}
    places = np.array([order[space] for space in spaces], dtype=np.int64)
    labelled = is_labelled(person_ids)
    pairs = np.stack([places, person_ids], axis=1)[labelled]
    original, contiguous = np.unique(pairs, axis=0, return_inverse=True)
    relabelled = np.full_like(person_ids, UNLABELLED)
    relabelled[labelled] = contiguous.reshape(-1)
    return relabelled, original[:, 1]


def identity_space(name: bytes) -> int:
    """Choose where the identities of a data set begin among all integers.

    Args:
        name: Whatever tells data sets apart, such as all bytes of an annotation file.

    Returns:
        A number in 0 to 2**62 - 1, far from that of any other name.
    """
    digest = hashlib.blake2b(name, digest_size=8).digest()
    return int.from_bytes(digest, 'big') % 2**_SPACE_BITS


def in_space(person_ids: Tensor, space: int) -> Tensor:
    """Move identities to where no other data set has any.

    Args:
        person_ids: ``(N,)`` identities of one data set, below 2**62, negative where unknown.
        space: Of the data set, from :func:`identity_space`.

    Returns:
        ``(N,)`` identities, ``UNLABELLED`` where unknown.
    """
    moved = person_ids % 2**_SPACE_BITS + space
    return moved.where(is_labelled(person_ids), moved.new_tensor(UNLABELLED))
