from __future__ import annotations

from collections.abc import Mapping

from mmengine.model import BaseModule, Sequential
from torch import Tensor, nn

from mmps.registry import MODELS
from mmps.structures import ConfigError

from .narrow_maps import exact_narrow_maps
from .stages import measure, split_backbone
from .trainable import trainable


@MODELS.register_module()
class ReplicatedStages(BaseModule):
    """The paper's C*: the backbone's stages behind the shared ones, once more, for re-ID.

    Their batch normalisation is trained, whatever the detector's backbone does with its own.

    Args:
        backbone: Config of the detector's backbone.
        shared_stages: How many stages (stem included) are shared and thus not replicated.
        start_from: Weights at the start of phase 2. ``'detector'``: copies of the trained
            detector's stages. ``'pretrained'``: what the backbone's ``init_cfg`` loads.
            ``'random'``: a fresh initialisation.
        last_stride: Stride of the last stage; 1 keeps twice the resolution.

    Raises:
        ConfigError: ``start_from`` is none of the three.
    """

    START_FROM = ('detector', 'pretrained', 'random')

    def __init__(
        self,
        backbone: dict,
        shared_stages: int,
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
        self.names = split_backbone(whole, shared_stages).later
        self.stages = Sequential(*(getattr(whole, name) for name in self.names))
        self.out_channels, _ = measure(whole, getattr(whole, self.names[-1]))
        # Weights loaded just now must not be drawn anew by the runner.
        self._is_init = start_from == 'pretrained'

    def init_weights(self) -> None:
        """Draw fresh weights, unless pretrained ones are there."""
        if self._is_init:
            return
        for module in self.stages.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
        self._is_init = True

    def starting_weights(self, backbone: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give copies of a trained backbone's stages, if so configured.

        Args:
            backbone: Its weights by name.

        Returns:
            Weights of this module by name.
        """
        if self.start_from != 'detector':
            return {}
        own = {f'{name}.': f'stages.{index}.' for index, name in enumerate(self.names)}
        return {
            own[stage] + name.removeprefix(stage): weight.clone()
            for name, weight in backbone.items()
            for stage in own
            if name.startswith(stage)
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
        stages = config.get('num_stages', 4)
        strides = list(config.get('strides', (1, 2, 2, 2)))[:stages]
        config['strides'] = (*strides[:-1], last_stride)
    return config
