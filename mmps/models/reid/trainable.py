"""A backbone's config, changed so that re-ID can train all of it."""

from __future__ import annotations

import copy
from inspect import Parameter, signature
from typing import Any

from mmps.registry import MODELS


def trainable(backbone: dict) -> dict[str, Any]:
    """Copy a backbone's config so that every stage and all batch statistics are trained.

    Args:
        backbone: Config, as it is for a detector, which keeps some of it fixed.
    """
    config = copy.deepcopy(dict(backbone))
    norm = dict(config.get('norm_cfg') or {'type': 'BN'}, requires_grad=True)
    changes = {'frozen_stages': -1, 'norm_eval': False, 'norm_cfg': norm}
    return {**config, **{key: changes[key] for key in changes if _takes(config['type'], key)}}


def _takes(kind: str | type, key: str) -> bool:
    cls = MODELS.get(kind) if isinstance(kind, str) else kind
    parameters = signature(cls).parameters
    return key in parameters or any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())
