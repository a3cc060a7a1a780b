"""Person identities: one marker for people without a known identity, one way to relabel."""

from __future__ import annotations

import numpy as np

UNLABELLED = -1
"""``person_id`` that is written for people of unknown identity; any negative one means that."""

PERSON_LABEL = 0
"""Class of people: the only one in annotations, the first of a detector of COCO's 80 classes."""


def is_labelled(person_ids: np.ndarray) -> np.ndarray:
    """Check which people have a known identity.

    Args:
        person_ids: ``(N,)`` identities, negative where unknown: PRW marks unknown people -2,
            others -1 (NumPy, torch, or a single number).

    Returns:
        ``(N,)`` booleans.
    """
    return person_ids >= 0


def relabel(person_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the identities 0, 1, ... in ascending order of the original ids.

    Args:
        person_ids: ``(N,)`` integers, negative where unknown.

    Returns:
        ``(N,)`` contiguous identities, ``UNLABELLED`` where unknown, and ``(I,)`` the original id
        of each.
    """
    person_ids = np.asarray(person_ids, dtype=np.int64)
    labelled = is_labelled(person_ids)
    original, contiguous = np.unique(person_ids[labelled], return_inverse=True)
    relabelled = np.full_like(person_ids, UNLABELLED)
    relabelled[labelled] = contiguous
    return relabelled, original
