"""A test pipeline of MMDetection as settings that need no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmps.exported.manifest import Preparation
from mmps.structures import ConfigError

PASSIVE = {
    'LoadImageFromFile', 'LoadImageFromNDArray', 'LoadAnnotations', 'KeepOriginalImage',
    'PackPersonSearchInputs', 'PackDetInputs',
}  # fmt: skip
"""Transforms that leave pixels as they are."""


def preparation_of(pipeline: Sequence[Mapping[str, Any]], preprocessor: Any) -> Preparation:
    """Read how images become a network's input.

    Args:
        pipeline: Configs of the transforms.
        preprocessor: The detector's data preprocessor.

    Raises:
        ConfigError: There is a transform that is not known.
    """
    steps = {step['type'].rpartition('.')[2]: step for step in pipeline}
    resize, pad = steps.pop('Resize', None), steps.pop('Pad', None)
    unknown = [name for name in steps if name not in PASSIVE]
    if unknown or resize is None:
        raise ConfigError(
            f'the test pipeline cannot be exported: it '
            f'{"has " + unknown[0] if unknown else "lacks Resize"}; only Resize and Pad to a '
            'square may change images'
        )
    _check_resize(resize)
    if pad is not None and not pad.get('pad_to_square'):
        raise ConfigError('the test pipeline cannot be exported: Pad must have pad_to_square=True')
    kind = type(preprocessor).__name__
    if kind != 'DetDataPreprocessor':
        raise ConfigError(f'{kind} cannot be exported: only DetDataPreprocessor can')
    normalises = getattr(preprocessor, '_enable_normalize', False)
    return Preparation(
        size=tuple(resize['scale']),
        keep_ratio=bool(resize.get('keep_ratio', False)),
        square=pad is not None,
        fill=_triple(((pad or {}).get('pad_val') or {}), 'img'),
        divisor=int(preprocessor.pad_size_divisor),
        pad_value=float(preprocessor.pad_value),
        mean=tuple(preprocessor.mean.flatten().tolist()) if normalises else (0.0,) * 3,
        std=tuple(preprocessor.std.flatten().tolist()) if normalises else (1.0,) * 3,
        swap_channels=bool(preprocessor._channel_conversion),
    )


def _check_resize(resize: Mapping[str, Any]) -> None:
    scale = resize.get('scale')
    if not scale or isinstance(scale, int) or len(scale) != 2:
        raise ConfigError(
            'the test pipeline cannot be exported: Resize needs scale=(width, height)'
        )
    for key, only in (('interpolation', 'bilinear'), ('backend', 'cv2')):
        if resize.get(key, only) != only:
            raise ConfigError(
                f'the test pipeline cannot be exported: Resize has {key}={resize[key]!r}, only '
                f'{only!r} can'
            )


def _triple(values: Mapping[str, Any] | float, key: str) -> tuple[float, float, float]:
    found = values.get(key, 0) if isinstance(values, Mapping) else values
    return (float(found),) * 3 if isinstance(found, int | float) else tuple(map(float, found))
