from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor
from torch import Tensor, nn

from mmps.structures import ConfigError, mirrored
from mmps.structures.originals import HOW_TO_KEEP, ORIGINAL_IMAGE, drop_originals, original_image


class OriginalImages:
    """Takes images as their files hold them for what is pooled: boxes become image crops.

    They come with the data samples (:class:`mmps.KeepOriginalImage`), whatever size the network's
    input has. In training on images, people are cut out where they are annotated; of what the
    pipeline did to the input, crops follow a horizontal flip alone.

    Attributes:
        channels: 3.
        later_stages: ``None``: no stage is shared.
        fields: Fields that samples must have.
    """

    channels = 3
    later_stages = None
    fields = (ORIGINAL_IMAGE,)

    def __init__(self) -> None:
        self._feature: list[Tensor] | None = None

    def watch(self, inputs: Tensor, samples: Sequence[DetDataSample]) -> OriginalImages:
        """Open around one pass of the detector over a batch."""
        self._feature = self.run(inputs, samples)
        return self

    def run(
        self, inputs: Tensor, samples: Sequence[DetDataSample] = (), mirror: bool = False
    ) -> list[Tensor]:
        """Take the images out of the samples.

        Args:
            inputs: The network's, not used.
            samples: Samples with original images.
            mirror: Whether images are mirrored.

        Returns:
            ``(3, H, W)`` uint8 each, sizes differ; channels as they were read.

        Raises:
            ConfigError: A sample has no original image.
        """
        images = [original_image(sample) for sample in samples]
        turned = [mirror != _is_flipped(sample) for sample in samples]
        return [i.flip(2) if turn else i for i, turn in zip(images, turned, strict=True)]

    def place(self, boxes: Tensor, sample: DetDataSample, mirror: bool = False) -> Tensor:
        """Move ``(..., 4)`` boxes from image pixels to where :meth:`run` has them."""
        return mirrored(boxes, original_image(sample).shape[2]) if mirror else boxes

    def training_boxes(self, sample: DetDataSample) -> Tensor:
        """Find the annotated people of a training sample: ``(N, 4)``.

        Raises:
            ConfigError: The pipeline did not note where people are in the original image.
        """
        people = sample.gt_instances
        if 'image_bboxes' not in people:
            raise ConfigError(
                f'training on crops needs to know where people are in the original image: '
                f'load them by LoadAnnotations, and {HOW_TO_KEEP}'
            )
        return self.place(get_box_tensor(people.image_bboxes), sample, _is_flipped(sample))

    @property
    def feature(self) -> list[Tensor]:
        """The images of the pass, as :meth:`run` gives them."""
        return self._feature

    def release(self, samples: Sequence[DetDataSample]) -> None:
        """Drop the original images, which are large."""
        drop_originals(samples)

    def weights(self) -> dict[str, Any]:
        """Describe what crops depend on: nothing that is trained."""
        return {'weights': 'original images'}

    def __enter__(self) -> OriginalImages:
        return self

    def __exit__(self, *error: Any) -> None:
        self._feature = None


def _is_flipped(sample: DetDataSample) -> bool:
    """Check whether the pipeline mirrored a sample's input.

    Raises:
        ConfigError: It flipped the image in another direction, which crops do not follow.
    """
    if not sample.get('flip', False):
        return False
    if sample.flip_direction != 'horizontal':
        raise ConfigError(
            f'RandomFlip with direction={sample.flip_direction!r} turns people upside down, which '
            "crops of the original image do not follow: set direction='horizontal'"
        )
    return True


def swaps_channels(preprocessor: nn.Module) -> bool:
    """Check whether a preprocessor converts BGR to RGB, or the other way round."""
    return getattr(preprocessor, '_channel_conversion', False)


def normalisation(preprocessor: nn.Module) -> tuple[list[float], list[float]]:
    """Read mean and standard deviation of three channels; (0, 1) where there is none."""
    if not hasattr(preprocessor, 'mean'):
        return [0.0] * 3, [1.0] * 3
    return torch.flatten(preprocessor.mean).tolist(), torch.flatten(preprocessor.std).tolist()
