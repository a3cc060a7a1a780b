from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor
from torch import Tensor, nn

from mmps.digests import weights_digest
from mmps.structures import image_to_network, mirrored

from .stages import SharedStages, run_to, split_backbone, watch


class FeatureTap:
    """Takes the output of the last shared stage out of a detector's own backbone pass.

    ``shared_stages=3`` is the paper's J3: C1 (stem), C2 (``layer1``) and C3 (``layer2``) are
    shared, so what enters ``layer3`` is tapped. Use as a context manager around one call of the
    detector; the hook lives only that long, and the detector stays as it is.

    Args:
        backbone: Of a family that :func:`mmps.models.reid.backbones.stages_of` knows.
        shared_stages: As in :func:`mmps.models.reid.stages.split_backbone`.

    Attributes:
        channels: Channels of the output.
        stride: Pixels of the network's input per cell of the output.
        stage: Number of the stage that the output belongs to, the stem being the first.
        later_stages: Names of the backbone's modules that the output does not go through.
        fields: What samples must have: nothing, the network's input is enough.
        feature: ``(B, C, H, W)`` output of the last shared stage, after a backbone pass.

    Raises:
        ConfigError: The backbone cannot be divided there.
    """

    fields = ()

    def __init__(self, backbone: nn.Module, shared_stages: SharedStages) -> None:
        split = split_backbone(backbone, shared_stages)
        self.backbone, self._entry = backbone, split.entry
        self.stage, self.later_stages = split.stage, split.later
        self.channels, self.stride = split.channels, split.stride
        self._shared_stages = shared_stages
        self._feature: Tensor | None = None

    def watch(self, inputs: Tensor, samples: Sequence[DetDataSample] = ()) -> FeatureTap:
        """Open the tap around one pass of the detector over these inputs."""
        return self

    def place(self, boxes: Tensor, sample: DetDataSample, mirror: bool = False) -> Tensor:
        """Move ``(..., 4)`` boxes from image pixels to those of the network's input.

        Args:
            boxes: Boxes as xyxy.
            sample: Of the image, as the preprocessor leaves it.
            mirror: Whether the input is mirrored.
        """
        boxes = image_to_network(boxes, sample.scale_factor)
        return mirrored(boxes, sample.batch_input_shape[1]) if mirror else boxes

    def training_boxes(self, sample: DetDataSample) -> Tensor:
        """Find the people of a training sample, whose boxes went through its transforms."""
        return get_box_tensor(sample.gt_instances.bboxes)

    def release(self, samples: Sequence[DetDataSample]) -> None:
        """Do nothing: samples hold nothing for the tap."""

    def weights(self) -> dict[str, Any]:
        """Describe what the output depends on: the backbone's weights and layers, the stage."""
        return {
            'weights': weights_digest(self.backbone),
            # Strides and the like, which weights do not show.
            'layers': hashlib.sha256(repr(self.backbone).encode()).hexdigest(),
            'shared_stages': self._shared_stages,
        }

    def __enter__(self) -> FeatureTap:
        self._feature = None
        self._handle = watch(self._entry, self._keep)
        return self

    def __exit__(self, *error: Any) -> None:
        self._handle.remove()
        self._feature = None

    @property
    def feature(self) -> Tensor:
        """The tapped output.

        Raises:
            RuntimeError: The backbone did not run since the tap was opened.
        """
        if self._feature is None:
            raise RuntimeError('the detector did not run its backbone, so there is no feature')
        return self._feature

    def run(
        self, inputs: Tensor, samples: Sequence[DetDataSample] = (), mirror: bool = False
    ) -> Tensor:
        """Compute the tapped output alone, without the stages and the detector behind it.

        Args:
            inputs: ``(B, 3, H, W)`` normalised images.
            samples: Samples of the images, not used.
            mirror: Whether the inputs are mirrored first.

        Returns:
            ``(B, C, H / stride, W / stride)``.
        """
        return run_to(self._entry, self.backbone, inputs.flip(3) if mirror else inputs)

    def _keep(self, feature: Tensor) -> None:
        self._feature = feature
