"""The model of a run inside the wrapper for several ranks."""

from __future__ import annotations

import copy
from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner


def bare_model(runner: Runner) -> Any:
    """Return the model itself."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def wrap_again(runner: Runner) -> None:
    """Wrap a wrapped model again: DDP records at construction which weights learn."""
    if is_model_wrapper(runner.model):
        wrapper = copy.deepcopy(runner.cfg.get('model_wrapper_cfg'))
        runner.model = runner.wrap_model(wrapper, bare_model(runner))
