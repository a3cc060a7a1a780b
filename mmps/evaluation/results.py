"""How each query of a search did, and the averages that papers print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from mmps.structures import ConfigError, DataError

from .functional.ranking import top_k

TOP_KS = (1, 5, 10)


@dataclass(frozen=True, eq=False)
class QueryResults:
    """How each query did; every array is ``(Q,)``.

    Attributes:
        query_index: Position in the annotation file's ``queries``.
        average_precision: Average precision, in 0..1.
        first_rank: Rank of the first hit, from 1; 0 without a hit.
        num_targets: Right boxes that exist.
        num_undetected: Targets without a detection that covers them.
        num_outranked: Targets that were detected, with a wrong box before or beside them.
    """

    query_index: np.ndarray
    average_precision: np.ndarray
    first_rank: np.ndarray
    num_targets: np.ndarray
    num_undetected: np.ndarray
    num_outranked: np.ndarray

    def __len__(self) -> int:
        return len(self.query_index)

    @property
    def counted(self) -> np.ndarray:
        """``(Q,)`` true for queries with something to find; others have no average precision."""
        return self.num_targets > 0

    def per_query(self, ks: Sequence[int] = TOP_KS) -> dict[str, np.ndarray]:
        """List each metric's value of every query that counts.

        Args:
            ks: Ranks for the top-k rates.

        Returns:
            ``mAP`` and ``top<k>``, one value in 0..1 per query that has something to find.

        Raises:
            DataError: No query has anything to find.
        """
        if not self.counted.any():
            raise DataError('no query that is left has a person to find in its gallery.')
        first = self.first_rank[self.counted]
        hits = {f'top{k}': top_k(first, k).astype(np.float64) for k in ks}
        return {'mAP': self.average_precision[self.counted], **hits}

    def metrics(self, ks: Sequence[int] = TOP_KS) -> dict[str, float]:
        """Average over the queries that have something to find.

        Args:
            ks: Ranks for the top-k rates.

        Returns:
            ``mAP`` and ``top<k>``, fractions in 0..1.

        Raises:
            DataError: No query has anything to find.
        """
        return {name: float(values.mean()) for name, values in self.per_query(ks).items()}

    def failed(self, queries: np.ndarray) -> QueryResults:
        """Mark queries as failed: they find nothing, but count.

        Args:
            queries: ``(Q,)`` true for those queries.
        """
        return replace(
            self,
            average_precision=np.where(queries, 0.0, self.average_precision),
            first_rank=np.where(queries, 0, self.first_rank),
            num_undetected=np.where(queries, self.num_targets, self.num_undetected),
            num_outranked=np.where(queries, 0, self.num_outranked),
        )

    def without(self, queries: np.ndarray) -> QueryResults:
        """Leave queries out.

        Args:
            queries: ``(Q,)`` true for those queries.
        """
        kept = {field.name: getattr(self, field.name)[~queries] for field in fields(self)}
        return QueryResults(**kept)

    @classmethod
    def concatenate(cls, parts: Sequence[QueryResults]) -> QueryResults:
        """Join results of consecutive queries.

        Args:
            parts: Results of at least one part.
        """
        names = [field.name for field in fields(cls)]
        return cls(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


def bootstrap_interval(
    values: np.ndarray, draws: int = 1000, seed: int = 0, confidence: float = 0.95
) -> tuple[float, float]:
    """Draw the queries again with replacement and take percentiles of the means.

    Args:
        values: ``(Q,)`` one number per query, Q at least 1.
        draws: Number of draws.
        seed: Seed of the generator.
        confidence: Share of the means inside the interval, in 0..1.

    Returns:
        Lower and upper end.

    Raises:
        ConfigError: The number of draws is not positive.
    """
    if draws < 1:
        raise ConfigError(f'the number of bootstrap draws must be positive, not {draws}.')
    generator = np.random.default_rng(seed)
    uniform = np.full(len(values), 1 / len(values))
    means = np.array(
        [generator.multinomial(len(values), uniform) @ values / len(values) for _ in range(draws)]
    )
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
