from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class InputImages:
    """Takes the network's input itself as the feature to pool: boxes become image crops.

    The images' normalisation is undone, so that crops are plain pixels in 0..255, which a cache
    can keep as bytes.

    Args:
        preprocessor: The detector's preprocessor, which knows ``mean`` and ``std``.

    Attributes:
        channels: 3.
        later_stages: ``None``: no stage is shared.
    """

    channels = 3
    later_stages = None

    def __init__(self, preprocessor: nn.Module) -> None:
        self.preprocessor = preprocessor
        self._feature: Tensor | None = None

    def watch(self, inputs: Tensor) -> InputImages:
        """Open around one pass of the detector over these inputs."""
        self._feature = self.run(inputs)
        return self

    def run(self, inputs: Tensor) -> Tensor:
        """Undo the normalisation of ``(B, 3, H, W)`` images."""
        if not hasattr(self.preprocessor, 'mean'):
            return inputs
        return inputs * self.preprocessor.std + self.preprocessor.mean

    @property
    def feature(self) -> Tensor:
        """``(B, 3, H, W)`` pixels in 0..255."""
        return self._feature

    def weights(self) -> dict[str, Any]:
        """Describe what crops depend on: nothing that is trained."""
        return {'weights': 'input images'}

    def __enter__(self) -> InputImages:
        return self

    def __exit__(self, *error: Any) -> None:
        self._feature = None


def normalisation(preprocessor: nn.Module) -> tuple[list[float], list[float]]:
    """Read mean and standard deviation of three channels; (0, 1) where there is none."""
    if not hasattr(preprocessor, 'mean'):
        return [0.0] * 3, [1.0] * 3
    return torch.flatten(preprocessor.mean).tolist(), torch.flatten(preprocessor.std).tolist()
