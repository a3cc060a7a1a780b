from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmps.digests import file_digest
from mmps.exported.runtimes import load_network
from mmps.registry import MODELS
from mmps.structures import ConfigError


@MODELS.register_module()
class ExportedReID(BaseModule):
    """A re-ID network from anywhere, exported to ONNX or OpenVINO IR, that embeds person crops.

    It stands in the place of a branch's stages; it cannot be trained.

    Args:
        file: The network, ``.onnx``, or ``.xml`` with its ``.bin`` beside it. Its content belongs
            to the model's fingerprint, where it lies does not.
        size: (height, width) of its crops.
        mean: Of the three channels in the network's order, in 0..255.
        std: As ``mean``.

    Attributes:
        out_channels: Size of an embedding.
        files: Of the network, the one that was named first.
        digest: Of their content.

    Raises:
        ConfigError: ``file`` is missing or unreadable, the network takes other crops, or the
            program that runs it is not installed.
    """

    finished = True
    """Nothing is left to train: a checkpoint of a detector alone makes a whole model."""

    def __init__(
        self,
        file: str,
        size: Sequence[int] = (256, 128),
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> None:
        super().__init__()
        if not file:
            raise ConfigError(
                'model.reid.file is not set: give the exported re-ID network, as in '
                '--cfg-options model.reid.file=NETWORK.onnx'
            )
        height, width = size
        self._run, self.files = load_network(Path(file), (height, width))
        self.digest = hashlib.sha256(''.join(map(file_digest, self.files)).encode()).hexdigest()
        self.register_buffer('mean', torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.out_channels = self._embed(np.zeros((1, 3, height, width), np.float32)).shape[1]

    def starting_weights(self, detector_backbone: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Take nothing over from the detector: there is nothing to be filled."""
        return {}

    @torch.no_grad()
    def forward(self, crops: Tensor) -> Tensor:
        """Embed ``(N, 3, h, w)`` pixels in 0..255: ``(N, D, 1, 1)`` on the crops' device."""
        pixels = ((crops.float() - self.mean) / self.std).cpu().numpy()
        vectors = torch.from_numpy(self._embed(np.ascontiguousarray(pixels)))
        return vectors.to(crops.device)[..., None, None]

    def _embed(self, pixels: np.ndarray) -> np.ndarray:
        return self._run(pixels).reshape(len(pixels), -1).astype(np.float32)

    def extra_repr(self) -> str:
        """Describe the content, for a fingerprint: not where the file lies."""
        normalisation = (self.mean.flatten().tolist(), self.std.flatten().tolist())
        return f'digest={self.digest}, normalisation={normalisation}'
