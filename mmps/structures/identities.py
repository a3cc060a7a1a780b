"""Person identities: the mark of unknown people, numbering, several data sets."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .errors import DataError

UNLABELLED = -1
"""``person_id`` written for people of unknown identity; any negative value means that."""

BACKGROUND = -100
"""``person_id`` of training boxes without a person, for losses that learn from them."""

PERSON_LABEL = 0
"""Class of people: the only one in annotations, the first of a detector of COCO's 80 classes."""

_SPACE_BITS = 62


def is_labelled(person_ids: np.ndarray) -> np.ndarray:
    """Check which people have a known identity.

    Args:
        person_ids: ``(N,)`` identities, negative if unknown: -2 in PRW, -1 elsewhere (NumPy,
            torch, or a single number).

    Returns:
        ``(N,)`` booleans.
    """
    return person_ids >= 0


def relabel(
    person_ids: np.ndarray, spaces: Sequence[int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Number the identities 0, 1, ... in ascending order of the original ids.

    Args:
        person_ids: ``(N,)`` integers, negative if unknown.
        spaces: N numbers that differ if equal ids are different people, as in different data
            sets; identities are then numbered space by space, in the order of their first people.

    Returns:
        ``(N,)`` contiguous identities, ``UNLABELLED`` if unknown, and ``(I,)`` the original id
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
    """Choose the first integer for the identities of a data set.

    Args:
        name: Value that distinguishes data sets, such as all bytes of an annotation file.

    Returns:
        A number in 0 to 2**62 - 1, far from that of any other name.
    """
    digest = hashlib.blake2b(name, digest_size=8).digest()
    return int.from_bytes(digest, 'big') % 2**_SPACE_BITS


def in_space(person_ids: Tensor, space: int | Tensor) -> Tensor:
    """Shift identities so that they differ from those of all other data sets.

    Args:
        person_ids: ``(N,)`` identities, below 2**62, negative if unknown.
        space: First integer of their data set, from :func:`identity_space`, or ``(N,)`` of each.

    Returns:
        ``(N,)`` identities, ``UNLABELLED`` if unknown.
    """
    moved = person_ids % 2**_SPACE_BITS + space
    return moved.where(is_labelled(person_ids), moved.new_tensor(UNLABELLED))


class IdentityMap:
    """Numbers the identities of a training set 0, 1, ..., L - 1, whatever data sets it joins.

    The one place where training gets its numbers from: rows of the cache have them, and samples of
    the joint objective are looked up here.

    Args:
        person_ids: ``(N,)`` identities of all people, negative where unknown.
        spaces: Of each, see :func:`relabel`; the same for all where left out.

    Attributes:
        numbers: ``(N,)`` of these people, ``UNLABELLED`` where unknown.
        original_ids: ``(L,)`` original id of each number.
    """

    def __init__(self, person_ids: np.ndarray, spaces: Sequence[int] | None = None) -> None:
        person_ids = np.asarray(person_ids, dtype=np.int64)
        spaces = [0] * len(person_ids) if spaces is None else spaces
        self.numbers, self.original_ids = relabel(person_ids, spaces)
        known = is_labelled(self.numbers)
        numbers, first = np.unique(self.numbers[known], return_index=True)
        ids, spaces = (
            torch.from_numpy(np.asarray(values, dtype=np.int64)[known][first])
            for values in (person_ids, spaces)
        )
        self._keys, order = in_space(ids, spaces).sort()
        self._numbers = torch.from_numpy(numbers)[order]

    def __len__(self) -> int:
        """L."""
        return len(self.original_ids)

    def number(self, person_ids: Tensor) -> Tensor:
        """Look numbers up.

        Args:
            person_ids: ``(N,)`` identities as :func:`in_space` returns them.

        Returns:
            ``(N,)`` numbers; what is negative stays as it is.

        Raises:
            DataError: An identity is none of the training set's.
        """
        known = is_labelled(person_ids)
        wanted = person_ids[known]
        self._keys, self._numbers = (t.to(wanted.device) for t in (self._keys, self._numbers))
        places = torch.searchsorted(self._keys, wanted).clamp(max=max(len(self) - 1, 0))
        if len(wanted) and not (len(self) and torch.equal(self._keys[places], wanted)):
            raise DataError(
                'a batch has people whose identities the training set did not list when training '
                'began: train on the data set of the config'
            )
        numbers = person_ids.clone()
        numbers[known] = self._numbers[places] if len(wanted) else wanted
        return numbers
