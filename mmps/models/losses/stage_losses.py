"""The losses of a run: one for each stage of training, all built once."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.dist import get_world_size
from torch import Tensor, nn

from mmps.registry import MODELS
from mmps.structures import ConfigError

from .base import LOG_NAME, ReIDLoss, compute

AUTO = 'auto'
"""Value of a key of ``SIZES`` that is filled in."""

SIZES = {
    'num_ids': 'identities',
    'num_classes': 'identities',
    'embedding_channels': 'channels',
    'embedding_size': 'channels',
}
"""Arguments of losses, here and in other packages, that ask for L identities or D channels."""


class UnsizedLoss(nn.Module):
    """Stands for a loss until the number of identities is known, as in a test of the model.

    Args:
        config: Config of the loss.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = config

    def forward(self, embeddings: Tensor, person_ids: Tensor) -> Tensor:
        """Refuse to train.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(
            f"the loss {self.config['type']} has '{AUTO}' for the number of identities, which "
            'nobody has counted: train with mmps.TwoPhaseHook or mmps.OnePhaseHook, which count '
            'those of the training set, or write the number into the loss config'
        )


class StageLosses(nn.ModuleList):
    """Holds the loss of each stage, of which one is active.

    All are there from the beginning of a run, so that optimizers, averages and checkpoints see
    their weights and tables whatever the stage.

    Args:
        embedding_channels: D, for losses whose config asks for it.
        gathered: Whether a batch is that of all ranks.

    Attributes:
        stage: Number of the active loss.
        num_ids: Identities of the training set, once they are known.
    """

    def __init__(self, embedding_channels: int, gathered: bool = True) -> None:
        super().__init__()
        self.embedding_channels = embedding_channels
        self.gathered = gathered
        self.stage = 0
        self.num_ids: int | None = None

    def build(self, configs: Sequence[Mapping[str, Any]], num_ids: int | None = None) -> None:
        """Replace all losses by new ones, the first of which is active.

        Args:
            configs: A config for each stage. In them, nested ones included, ``'auto'`` at a key of
                ``SIZES`` stands for the number of identities or for the size of an embedding.
            num_ids: Identities of the training set; where left out and not told before, losses that
                need it wait for :meth:`set_num_ids`.

        Raises:
            ConfigError: A loss is for fewer identities than there are, or its state would differ
                from rank to rank.
        """
        self.num_ids = self.num_ids if num_ids is None else num_ids
        del self[:]
        self.extend(self._build(config) for config in configs)
        self._check()
        self.stage = 0

    def set_num_ids(self, num_ids: int) -> None:
        """Learn how many identities there are, and build the losses that wait for it.

        Raises:
            ConfigError: As in :meth:`build`.
        """
        self.num_ids = num_ids
        for index, loss in enumerate(self):
            if isinstance(loss, UnsizedLoss):
                self[index] = self._build(loss.config)
        self._check()

    def select(self, stage: int) -> bool:
        """Make the loss of a stage the active one.

        Returns:
            Whether other weights learn from now on.
        """
        before, self.stage = set(self.idle_weights), stage
        return before != set(self.idle_weights)

    @property
    def active(self) -> nn.Module:
        """The loss that trains now."""
        return self[self.stage]

    @property
    def idle_weights(self) -> list[str]:
        """Names of the parameters of all losses but the active one."""
        prefix = f'{self.stage}.'
        return [name for name, _ in self.named_parameters() if not name.startswith(prefix)]

    @property
    def log_name(self) -> str:
        """Name of the active loss in the log."""
        return getattr(self.active, 'log_name', LOG_NAME)

    @property
    def uses_unlabelled(self) -> bool:
        """Whether the active loss learns from people of unknown identity too."""
        return getattr(self.active, 'uses_unlabelled', False)

    @property
    def uses_background(self) -> bool:
        """Whether the active loss learns from boxes without a person too."""
        return getattr(self.active, 'uses_background', False)

    @property
    def needs_numbers(self) -> bool:
        """Whether the active loss has a place for each identity, found by its number."""
        return has_places(self.active)

    def reset(self) -> None:
        """Reset the state of the active loss that is not in buffers."""
        if isinstance(self.active, ReIDLoss):
            self.active.reset()

    def forward(self, embeddings: Tensor, person_ids: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the active loss; see :func:`mmps.models.losses.base.compute`."""
        return compute(self.active, embeddings, person_ids)

    def _build(self, config: Mapping[str, Any]) -> nn.Module:
        sizes = {'identities': self.num_ids, 'channels': self.embedding_channels}
        waits = [key for key in _autos(config) if sizes[SIZES[key]] is None]
        if waits:
            return UnsizedLoss(config)
        return MODELS.build(_filled(config, sizes))

    def _check(self) -> None:
        for loss in self:
            places = [_places(module) for module in loss.modules()]
            smallest = min((p for p in places if p is not None), default=None)
            if None not in (smallest, self.num_ids) and smallest < self.num_ids:
                raise ConfigError(
                    f'{type(loss).__name__} is for {smallest} identities, but the training set has '
                    f"{self.num_ids}: set '{AUTO}' in its config, or a number that large"
                )
            if not self.gathered and get_world_size() > 1 and any(True for _ in loss.buffers()):
                raise ConfigError(
                    f'head.gather=False gives each process a share of the batch, and with it '
                    f'another state of {type(loss).__name__}: leave gather at True'
                )


def has_places(loss: nn.Module) -> bool:
    """Check whether a loss has a place for each identity, such as a row of a table."""
    return any(_places(module) is not None for module in loss.modules())


def _places(module: nn.Module) -> int | None:
    counts = (getattr(module, k, None) for k, of in SIZES.items() if of == 'identities')
    return next((count for count in counts if isinstance(count, int)), None)


def _autos(config: Any) -> Iterator[str]:
    """List the keys whose values are to be filled in, of nested configs too."""
    if isinstance(config, Mapping):
        for key, value in config.items():
            if key in SIZES and value == AUTO:
                yield key
            else:
                yield from _autos(value)
    elif isinstance(config, list | tuple):
        for value in config:
            yield from _autos(value)


def _filled(config: Any, sizes: Mapping[str, int | None]) -> Any:
    if isinstance(config, Mapping):
        return {
            key: sizes[SIZES[key]] if key in SIZES and value == AUTO else _filled(value, sizes)
            for key, value in config.items()
        }
    if isinstance(config, list | tuple):
        return type(config)(_filled(value, sizes) for value in config)
    return copy.deepcopy(config)
