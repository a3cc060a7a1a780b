"""Distances between embeddings: a matrix without gradients to choose triplets by, pairs to learn.

Only the pairs that were chosen need gradients, so the matrix may be computed the fast way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mmps.structures import ConfigError


class Distance(NamedTuple):
    """One distance in two forms.

    Attributes:
        matrix: ``(B, D)`` and ``(M, D)`` to ``(B, M)``, in :func:`matrix_dtype`: any function that
            grows with the distance.
        pairs: ``(T, D)`` and ``(T, D)`` to ``(T,)``, float32 or float64: the distance, with
            gradients.
    """

    matrix: Callable[[Tensor, Tensor], Tensor]
    pairs: Callable[[Tensor, Tensor], Tensor]


def matrix_dtype(device_type: str) -> torch.dtype:
    """Choose in which precision distances are compared: double, which Apple's GPUs do not have."""
    return torch.float32 if device_type == 'mps' else torch.float64


def euclidean_matrix(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances of all pairs; shapes as in :class:`Distance`."""
    # A matrix product halves the digits of small distances. In float64 that leaves what single
    # precision has; where the embeddings have as many digits themselves, it goes the slow way.
    dtype = matrix_dtype(a.device.type)
    exact = torch.promote_types(a.dtype, torch.float32) == dtype
    mode = 'donot_use_mm_for_euclid_dist' if exact else 'use_mm_for_euclid_dist'
    return torch.cdist(a.to(dtype), b.to(dtype), compute_mode=mode)


def cosine_matrix(a: Tensor, b: Tensor) -> Tensor:
    """Cosine distances of all pairs; shapes as in :class:`Distance`."""
    dtype = matrix_dtype(a.device.type)
    return 1 - F.normalize(a.to(dtype)) @ F.normalize(b.to(dtype)).T


def euclidean(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distance of each pair of rows, exactly 0 and with zero gradient for equal rows.

    Args:
        a: ``(T, D)``; half precision is widened to float32 first.
        b: ``(T, D)``.

    Returns:
        ``(T,)``, at least 0.
    """
    return torch.linalg.vector_norm(_widen(a) - _widen(b), dim=1)


def squared_euclidean(a: Tensor, b: Tensor) -> Tensor:
    """Squared Euclidean distance; arguments and shape as in :func:`euclidean`."""
    return (_widen(a) - _widen(b)).square().sum(1)


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """One minus the cosine of the angle between two rows, in 0..2.

    Arguments and shape as in :func:`euclidean`; the rows need not be normalised.
    """
    return 1 - (F.normalize(_widen(a)) * F.normalize(_widen(b))).sum(1)


DISTANCES: dict[str, Distance] = {
    'euclidean': Distance(euclidean_matrix, euclidean),
    'squared_euclidean': Distance(euclidean_matrix, squared_euclidean),
    'cosine': Distance(cosine_matrix, cosine),
}


def get_distance(name: str) -> Distance:
    """Look a distance up by the name that configs use.

    Raises:
        ConfigError: The name is none of ``DISTANCES``.
    """
    if name not in DISTANCES:
        raise ConfigError(f'distance={name!r} is unknown; choose one of {", ".join(DISTANCES)}')
    return DISTANCES[name]


def _widen(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()
