"""A backbone's config, changed so that re-ID can train all of it."""

from __future__ import annotations

import copy
from inspect import Parameter, signature
from typing import Any

from mmps.registry import MODELS

from .stages import USUAL_STAGES


def trainable(backbone: dict) -> dict[str, Any]:
    """Copy a backbone's config so that every stage and all batch statistics are trained.

    Args:
        backbone: Config, as it is for a detector, which keeps some of it fixed.
    """
    config = copy.deepcopy(dict(backbone))
    norm = config.get('norm_cfg') or default_of(config['type'], 'norm_cfg') or {'type': 'BN'}
    norm = {**norm, 'requires_grad': True}
    changes = {'frozen_stages': -1, 'norm_eval': False, 'norm_cfg': norm}
    return {**config, **{key: changes[key] for key in changes if _argument(config['type'], key)}}


def continued(backbone: dict) -> dict[str, Any]:
    """Copy a backbone's config with the stages that a detector has left out at its end.

    C4 detectors have stage 5 in the box head instead; re-ID replicates it as any other.

    Args:
        backbone: Config; one with ``num_stages`` below 4 gets the usual stages of its class.
    """
    if backbone.get('num_stages', USUAL_STAGES) >= USUAL_STAGES:
        return dict(backbone)
    cut = ('num_stages', 'strides', 'dilations', 'out_indices')
    return {key: value for key, value in backbone.items() if key not in cut}


def default_of(kind: str | type, key: str) -> Any:
    """Find what a class takes for an argument that a config leaves out.

    Args:
        kind: Name of the class, or the class.
        key: Name of the argument.

    Returns:
        The default of the class or of the nearest of its bases; ``None`` without one.
    """
    parameter = _argument(kind, key)
    return None if parameter is None or parameter.default is parameter.empty else parameter.default


def _argument(kind: str | type, key: str) -> Parameter | None:
    """Find an argument of a class or of its bases, to which ResNeXt and others hand theirs on."""
    cls = MODELS.get(kind) if isinstance(kind, str) else kind
    found = (signature(base.__init__).parameters.get(key) for base in cls.__mro__)
    return next((parameter for parameter in found if parameter is not None), None)
