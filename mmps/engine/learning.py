"""Find, before the first batch, what training would leave unchanged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from mmengine.logging import MMLogger
from mmengine.runner import Runner
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmps.checkpoints.gaps import SHARED, part_of
from mmps.checkpoints.origin import pretrained
from mmps.datasets.identities import identities_of
from mmps.structures import ConfigError

from .model_wrapper import bare_model

FREE = '`frozen_stages=-1` in the backbone of the detector'


def check_learning(runner: Runner) -> None:
    """Reject the training of a detector if too much of it would not learn.

    Args:
        runner: Runner before training, with loaded weights.

    Raises:
        ConfigError: Nothing that is shared with re-ID would learn, random weights would stay
            random, or the joint objective has nobody to distinguish.
    """
    model = bare_model(runner)
    model.train()
    if hasattr(model, 'origin'):
        check_shared(model)
        check_fixed(model.detector.backbone, 'detector.backbone.', model.origin.read)
        if model.phase == 'joint':
            check_identities(runner.train_loop.dataloader.dataset)
    elif hasattr(model, 'backbone') and not runner._has_loaded:
        check_fixed(model.backbone, 'backbone.', set(pretrained(model)))


def check_shared(model: Any) -> None:
    """Reject frozen shared stages, because detection data improves re-ID only through them.

    Args:
        model: A person-search model; one that shares nothing passes.

    Raises:
        ConfigError: All are frozen. If only some are, a warning names them.
    """
    layers = {n: learns for n, learns in _layers(model) if part_of(n, model) == SHARED}
    frozen = [name for name, learns in layers.items() if not learns]
    if not frozen:
        return
    which = f'{len(frozen)} of {len(layers)} layers that re-ID shares with the detector'
    if len(frozen) == len(layers):
        raise ConfigError(
            f'no gradient reaches {which}, so that detection data could not improve re-ID: set '
            f"{FREE}, or train re-ID alone on a trained detector with two_phase.start='reid'"
        )
    MMLogger.get_current_instance().warning(
        'No gradient reaches %s (%s): detection data will not improve them; for that, set %s',
        which, _stages(frozen), FREE,
    )  # fmt: skip


def check_fixed(backbone: nn.Module, prefix: str, read: set[str]) -> None:
    """Reject random weights, or initial batch statistics, that training would not change.

    Args:
        backbone: Backbone in training mode.
        prefix: Prefix of its weights in ``read``.
        read: Names of the weights that came from files.

    Raises:
        ConfigError: There are such weights or statistics.
    """
    frozen = [name for name, learns in _layers(backbone) if not learns]
    fixed = [
        name
        for name, module in backbone.named_modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats and not module.training
    ]
    found = {name.removeprefix(prefix) for name in read}
    for names, is_read, what, cure in (
        (frozen, _has_read_weight, 'layers that are frozen', '`frozen_stages=-1`'),
        (fixed, _has_read_mean, 'layers with fixed batch statistics', '`norm_eval=False`'),
    ):
        random = [name for name in names if not is_read(backbone, name, found)]
        if random:
            raise ConfigError(
                f"the detector's backbone has {len(random)} {what} ({_stages(random)}) whose "
                'weights came from no checkpoint: set `load_from`, or `init_cfg` of the backbone, '
                f'to weights that fill it, or train it all from scratch with {cure}'
            )


def _has_read_weight(backbone: nn.Module, layer: str, read: set[str]) -> bool:
    """Return whether a layer was read, by its first parameter: not all have a ``weight``."""
    first, _ = next(backbone.get_submodule(layer).named_parameters(layer, recurse=False))
    return first in read


def _has_read_mean(backbone: nn.Module, layer: str, read: set[str]) -> bool:
    return f'{layer}.running_mean' in read


def check_identities(dataset: Any) -> None:
    """Reject a joint objective without people to distinguish.

    Args:
        dataset: Data set of the training images.

    Raises:
        ConfigError: The data set has fewer than two identities.
    """
    identities = len(identities_of(dataset))
    if identities > 1:
        return
    raise ConfigError(
        'the joint objective has nobody to distinguish: the training set has '
        f'{identities} identities; set train_dataloader.dataset.use_identities=True '
        'on a set with person ids, or train in two phases (default_hooks.two_phase)'
    )


def _layers(module: nn.Module) -> Iterator[tuple[str, bool]]:
    """List the layers that have weights, and whether any of these learns."""
    for name, layer in module.named_modules():
        weights = list(layer.parameters(recurse=False))
        if weights:
            yield name, any(weight.requires_grad for weight in weights)


def _stages(layers: Iterable[str]) -> str:
    names = [name.removeprefix('detector.backbone.') for name in layers]
    # A numbered list of stages, as transformers have, says nothing without the number.
    parts = [re.match(r'(stages|layers)\.\d+|[^.]*', name)[0] for name in names]
    return ', '.join(dict.fromkeys(parts))
