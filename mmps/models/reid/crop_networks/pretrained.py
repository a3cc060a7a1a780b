from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import torch
from mmdet.models.reid import FcModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmps.checkpoints import read_restricted, weights_of
from mmps.checkpoints.downloading import local_file
from mmps.models.reid.narrow_maps import exact_narrow_maps
from mmps.registry import MODELS
from mmps.structures import ConfigError


@MODELS.register_module()
class PretrainedReID(BaseModule):
    """A finished re-ID network of OpenMMLab that embeds person crops.

    The network of mmdet's ``configs/reid``: a backbone, the average over its last output, one
    linear layer with batch normalisation and ReLU, and a linear layer to the embedding. It stands
    in the place of a branch's stages.

    Args:
        file: Its checkpoint, by path or address.
        size: (height, width) of the crops that it was trained with.
        backbone: Config of the backbone.
        hidden_channels: Outputs of the first linear layer.
        out_channels: Size of an embedding.
        mean: Of the three channels in the network's order, in 0..255.
        std: As ``mean``.

    Attributes:
        digest: Of the weights.

    Raises:
        UserError: The file cannot be fetched or read.
        ConfigError: It lacks weights of this network.
    """

    finished = True
    """Nothing is left to train: a checkpoint of a detector alone makes a whole model."""

    def __init__(
        self,
        file: str,
        size: Sequence[int],
        backbone: dict,
        hidden_channels: int = 1024,
        out_channels: int = 128,
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
    ) -> None:
        super().__init__()
        self.size = torch.Size(size)
        self.backbone = MODELS.build(backbone)
        hidden = FcModule(self.backbone.feat_dim, hidden_channels, norm_cfg={'type': 'BN1d'})
        self.head = nn.ModuleDict(
            {'fcs': nn.ModuleList([hidden]), 'fc_out': nn.Linear(hidden_channels, out_channels)}
        )
        self.out_channels = out_channels
        self.register_buffer('mean', torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.digest = self._load(file)

    def _load(self, file: str) -> str:
        path = local_file(file)
        weights = weights_of(read_restricted(path), path)
        own = self.state_dict()
        missing = [
            name for name, value in own.items()
            if name not in weights or weights[name].shape != value.shape
        ]  # fmt: skip
        if missing:
            raise ConfigError(
                f'{path} lacks {len(missing)} of the {len(own)} weights of this re-ID network, '
                f'such as {missing[0]}: give a checkpoint of mmdet/configs/reid, or fit '
                'model.reid to it'
            )
        self.load_state_dict({name: weights[name] for name in own})
        digest = hashlib.sha256()
        for name in sorted(own):
            digest.update(weights[name].contiguous().view(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()

    def starting_weights(self, detector_backbone: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Take nothing over from the detector: the two are disjoint."""
        return {}

    def forward(self, crops: Tensor) -> Tensor:
        """Embed ``(N, 3, h, w)`` pixels in 0..255: ``(N, D, 1, 1)``.

        Raises:
            ConfigError: Crops have another size than the network was trained with.
        """
        if crops.shape[2:] != self.size:
            raise ConfigError(
                f'crops are {crops.shape[2]}x{crops.shape[3]} pixels, and the re-ID network was '
                f'trained with {self.size[0]}x{self.size[1]}: leave size to model.reid'
            )
        with exact_narrow_maps(crops):
            maps = self.backbone((crops - self.mean) / self.std)[-1]
        vectors = self.head['fcs'][0](maps.mean(dim=(2, 3)))
        return self.head['fc_out'](vectors)[..., None, None]

    def extra_repr(self) -> str:
        """Describe the weights, for a fingerprint."""
        normalisation = (self.mean.flatten().tolist(), self.std.flatten().tolist())
        return f'digest={self.digest}, normalisation={normalisation}'
