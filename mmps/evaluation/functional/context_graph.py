"""Context bipartite graph matching: who is with the query person is with them elsewhere too."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment


def match_context(similarities: np.ndarray) -> tuple[int, float] | None:
    """Match the people around the query with the boxes of one image.

    Li and Miao, *Sequential End-to-end Network for Efficient Person Search*, AAAI 2021; the new
    similarity is the greatest of the matched pairs, as in SeqNet's code.

    Args:
        similarities: ``(C, G)`` of the context, the query first, to the boxes of one image.

    Returns:
        The box that is matched with the query and its new similarity; nothing if the image has too
        few boxes and the query is left over.
    """
    rows, columns = linear_sum_assignment(similarities.astype(np.float64), maximize=True)
    if rows[0] != 0:
        return None
    return int(columns[0]), float(similarities[rows, columns].max())
