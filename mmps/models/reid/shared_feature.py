from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from mmdet.structures import DetDataSample
from torch import Tensor

Feature = Tensor | list[Tensor]
"""The maps to pool: ``(B, C, H, W)``, or a list of ``(C, H, W)`` if sizes differ."""


class SharedFeature(Protocol):
    """The input of the re-ID branch: a stage of the detector's backbone, or the image itself."""

    channels: int
    later_stages: list[str] | None
    fields: tuple[str, ...]

    def watch(self, inputs: Tensor, samples: Sequence[DetDataSample]) -> SharedFeature:
        """Open around one pass of the detector over these inputs."""

    def run(self, inputs: Tensor, samples: Sequence[DetDataSample], mirror: bool) -> Feature:
        """Compute the feature alone."""

    def place(self, boxes: Tensor, sample: DetDataSample, mirror: bool = False) -> Tensor:
        """Move boxes from image pixels to the pixels that RoIs are in."""

    def training_boxes(self, sample: DetDataSample) -> Tensor:
        """Find the people of a training sample in the pixels that RoIs are in."""

    @property
    def feature(self) -> Feature:
        """Of the pass."""

    def release(self, samples: Sequence[DetDataSample]) -> None:
        """Remove from predicted samples what only the feature needed."""

    def weights(self) -> dict[str, Any]:
        """Describe what the feature depends on, for the cache's fingerprint."""
