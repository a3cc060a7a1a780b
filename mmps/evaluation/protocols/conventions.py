"""Two conventions for what public evaluators treat differently: ``legacy`` and ``strict``.

``legacy`` repeats SeqNet, whose numbers papers compare: what a repeated gallery entry shows is
counted but never searched, and one box of a person per image is looked for. ``strict`` looks for
each annotated box once, wherever it stands.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from mmps.structures import ConfigError

Choice = TypeVar('Choice')


def of_convention(name: str, legacy: Choice, strict: Choice) -> Choice:
    """Choose by the name of a convention.

    Args:
        name: ``legacy`` or ``strict``.
        legacy: Value for ``legacy``.
        strict: Value for ``strict``.

    Raises:
        ConfigError: There is no such convention.
    """
    choices = {'legacy': legacy, 'strict': strict}
    if name not in choices:
        raise ConfigError(f"there is no convention '{name}'; choose legacy or strict.")
    return choices[name]


def first_per_image(queries: np.ndarray, images: np.ndarray, bboxes: np.ndarray) -> np.ndarray:
    """Keep the first entry of each query and image.

    Args:
        queries: ``(T,)``.
        images: ``(T,)``.
        bboxes: ``(T, 4)``, which this rule does not look at.

    Returns:
        Positions that are kept, ascending.
    """
    del bboxes
    _, first = np.unique(np.stack([queries, images], axis=1), axis=0, return_index=True)
    return np.sort(first)


def different_boxes(queries: np.ndarray, images: np.ndarray, bboxes: np.ndarray) -> np.ndarray:
    """Keep the first entry of each query, image and box.

    Args:
        queries: ``(T,)``.
        images: ``(T,)``.
        bboxes: ``(T, 4)`` xyxy.

    Returns:
        Positions that are kept, ascending.
    """
    rows = np.concatenate([np.stack([queries, images], axis=1), bboxes], axis=1)
    _, first = np.unique(rows, axis=0, return_index=True)
    return np.sort(first)
