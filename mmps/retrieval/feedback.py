"""Queries that learn from what a user says of their hits."""

from __future__ import annotations

import numpy as np

REJECTED_WEIGHT = 0.15
"""Of the rejected examples, beside 1 of the confirmed ones. Manning, Raghavan and Schuetze,
*Introduction to Information Retrieval* (2008), section 9.1.1."""


def refined_query(confirmed: np.ndarray, rejected: np.ndarray | None = None) -> np.ndarray:
    """Move a query towards examples of the person and away from those of others (Rocchio, 1971).

    Args:
        confirmed: ``(N, D)`` of unit length, at least one.
        rejected: ``(M, D)`` of unit length.

    Returns:
        ``(1, D)`` of unit length.
    """
    query = confirmed.mean(axis=0, keepdims=True)
    query = query / max(float(np.linalg.norm(query)), 1e-12)
    if rejected is not None and len(rejected):
        query = query - REJECTED_WEIGHT * rejected.mean(axis=0, keepdims=True)
    return (query / max(float(np.linalg.norm(query)), 1e-12)).astype(np.float32)
