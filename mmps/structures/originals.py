"""The image as it was read, which a data sample carries in addition to the network's input."""

from __future__ import annotations

from collections.abc import Iterable

from mmengine.structures import BaseDataElement
from torch import Tensor

from .errors import ConfigError

ORIGINAL_IMAGE = 'original_image'
"""Name of the field in a data sample and in a pipeline's results."""

HOW_TO_KEEP = (
    "add dict(type='mmps.KeepOriginalImage') to the pipeline, directly after the transform that "
    'reads the image, and pack with mmps.PackPersonSearchInputs'
)


def original_image(sample: BaseDataElement) -> Tensor:
    """Get the image of a data sample.

    Args:
        sample: Data sample of a pipeline with ``KeepOriginalImage``.

    Returns:
        ``(3, H, W)`` uint8, channels as they were read.

    Raises:
        ConfigError: The pipeline does not keep it.
    """
    if ORIGINAL_IMAGE not in sample:
        raise ConfigError(
            f'the original image of {sample.get("img_path", "a sample")} is missing, from which '
            f'people are cropped: {HOW_TO_KEEP}'
        )
    return sample.get(ORIGINAL_IMAGE)


def drop_originals(samples: Iterable[BaseDataElement]) -> None:
    """Remove the images from data samples, so that results do not keep them in memory."""
    for sample in samples:
        sample.pop(ORIGINAL_IMAGE, None)
