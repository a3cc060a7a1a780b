from __future__ import annotations

from collections.abc import Mapping

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmps.registry import MODELS
from mmps.structures import ConfigError

from .narrow_maps import exact_narrow_maps
from .stages import SharedStages, replicable_stages
from .trainable import default_of, trainable


@MODELS.register_module()
class ReplicatedStages(BaseModule):
    """The paper's C*: the backbone's stages behind the shared ones, once more, for re-ID.

    Their batch normalisation is trained, whatever the detector's backbone does with its own.

    Args:
        backbone: Config of the detector's backbone.
        shared_stages: As in :func:`mmps.models.reid.stages.split_backbone`: what is shared is not
            replicated.
        start_from: Weights at the start of phase 2. ``'detector'``: copies of the trained
            detector's stages. ``'pretrained'``: what the backbone's ``init_cfg`` loads.
            ``'random'``: a fresh initialisation.
        last_stride: Stride of the last stage, of a backbone whose config has ``strides``; 1 keeps
            twice the resolution.

    Raises:
        ConfigError: ``start_from`` is none of the three, or the backbone cannot be divided so.
    """

    START_FROM = ('detector', 'pretrained', 'random')

    def __init__(
        self,
        backbone: dict,
        shared_stages: SharedStages,
        start_from: str = 'detector',
        last_stride: int = 2,
    ) -> None:
        if start_from not in self.START_FROM:
            raise ConfigError(f'start_from={start_from!r} must be one of {self.START_FROM}')
        super().__init__()
        whole = MODELS.build(_config(backbone, start_from, last_stride))
        if start_from == 'pretrained':
            whole.init_weights()
        self.start_from = start_from
        self.stages, self.out_channels = replicable_stages(whole, shared_stages)
        # A weight is the same object in both, whatever each calls it.
        originals = {id(weight): n for n, weight in whole.state_dict(keep_vars=True).items()}
        own = self.state_dict(keep_vars=True)
        self._originals = {name: originals[id(weight)] for name, weight in own.items()}
        # The runner must not initialise weights again that were just loaded.
        self._is_init = start_from == 'pretrained'

    def init_weights(self) -> None:
        """Draw fresh weights, unless pretrained ones are there."""
        if self._is_init:
            return
        for module in self.stages.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
            elif isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
        self._is_init = True

    def starting_weights(self, backbone: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Copy a trained backbone's stages, if so configured.

        Args:
            backbone: Weights of the backbone, by name.

        Returns:
            Weights of this module by name.
        """
        if self.start_from != 'detector':
            return {}
        return {
            name: backbone[original].clone()
            for name, original in self._originals.items()
            if original in backbone
        }

    def forward(self, pooled: Tensor) -> Tensor:
        """Run the stages: ``(N, C, h, w)`` to ``(N, out_channels, h', w')``."""
        with exact_narrow_maps(pooled):
            return self.stages(pooled)


def _config(backbone: dict, start_from: str, last_stride: int) -> dict:
    config = trainable(backbone)
    if start_from != 'pretrained':
        config['init_cfg'] = None
    if last_stride != 2:
        strides = config.get('strides') or default_of(config['type'], 'strides')
        if not strides:
            raise ConfigError(
                f'last_stride={last_stride} needs a backbone whose config has `strides`, which '
                f'{config["type"]} has not: leave it at 2'
            )
        stages = config.get('num_stages', len(strides))
        config['strides'] = (*strides[: stages - 1], last_stride)
    return config
