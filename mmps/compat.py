"""The one side effect of ``import mmps``: checkpoints of MMEngine load on any torch, safely.

A checkpoint of mmengine 0.10 contains ``HistoryBuffer`` objects and NumPy arrays, which torch's
restricted unpickler rejects. This module allows the names that they need, each with a check of its
state, so that a crafted file still cannot run code (see open-mmlab/mmengine#1655).
Files and downloads are read by the restricted unpickler even if it is not torch's default.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any


def make_checkpoints_loadable() -> None:
    """Allow exactly what MMEngine's checkpoints need; called once, by ``import mmps``.

    Torch before 2.4 cannot allow names and loads without them. If torch or MMEngine is missing or
    broken, ``import mmps`` must still work, so that ``python -m mmps.doctor`` can report it.
    """
    try:
        import torch.serialization
        from mmengine.runner import checkpoint

        if hasattr(torch.serialization, 'add_safe_globals'):
            names = [*_python_globals(), *_numpy_globals(), *_mmengine_globals()]
            torch.serialization.add_safe_globals(names)
            checkpoint.torch = RestrictedTorch(torch)
            checkpoint._safe_torch_load = _load_restricted  # onedl-mmengine's
            checkpoint.load_url = functools.partial(
                torch.hub.load_state_dict_from_url, weights_only=True
            )
    except ImportError:
        return
    except Exception as error:  # a broken installation may fail in any way
        warnings.warn(
            f'mmps cannot make checkpoints loadable ({error}); see: python -m mmps.doctor',
            stacklevel=2,
        )


class RestrictedTorch(ModuleType):
    """Replaces ``torch`` in MMEngine's module of checkpoints, which uses it for all storages.

    MMEngine leaves the choice of the unpickler to torch, whose safe default came with torch 2.6.

    Args:
        torch: The real module, which provides everything except ``load``.
    """

    def __init__(self, torch: ModuleType) -> None:
        super().__init__(torch.__name__)
        self._torch = torch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._torch, name)

    def load(self, *args: Any, **kwargs: Any) -> Any:
        """Load with the restricted unpickler."""
        return self._torch.load(*args, **{**kwargs, 'weights_only': True})


def _load_restricted(file: Any, map_location: Any = None, weights_only: Any = None) -> Any:
    """Replace onedl-mmengine's loader.

    Its own loader reads without restriction what the restricted one rejects, and after each file
    removes names that were allowed before.
    """
    import torch

    return torch.load(file, map_location=map_location, weights_only=True)


def _python_globals() -> list[Any]:
    """Return the function by which old pickles write bytes; torch allows it from 2.6 on."""

    def encode(text: str, encoding: str) -> bytes:
        if encoding != 'latin1':
            raise ValueError(f'the checkpoint holds text in the encoding {encoding!r}: refused')
        return text.encode(encoding)

    return [_named('_codecs', 'encode', encode)]


def _numpy_globals() -> list[Any]:
    import numpy as np

    try:
        from numpy._core import multiarray
    except ImportError:  # NumPy 1
        from numpy.core import multiarray
    rebuild = [
        _named(f'numpy.{core}.multiarray', name, getattr(multiarray, name))
        for name in ('_reconstruct', 'scalar')
        for core in ('_core', 'core')
    ]
    dtypes = {type(np.dtype(code)) for code in np.typecodes['All'] if code not in 'OV'}
    return [np.ndarray, np.dtype, *dtypes, *rebuild]


def _mmengine_globals() -> list[Any]:
    import numpy as np
    from mmengine.logging import HistoryBuffer
    from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

    class CheckedHistoryBuffer(HistoryBuffer):
        """Replaces ``HistoryBuffer`` while a file is read; accepts only plain numbers."""

        def __setstate__(self, state: dict) -> None:
            state = {key: value for key, value in state.items() if key != 'statistics_methods'}
            arrays = (state.get('_log_history'), state.get('_count_history'))
            if (
                state.keys() != {'max_length', '_log_history', '_count_history'}
                or not isinstance(state['max_length'], int)
                or not all(isinstance(a, np.ndarray) and a.dtype.kind in 'biuf' for a in arrays)
            ):
                raise ValueError('the checkpoint holds a HistoryBuffer that MMEngine did not write')
            self.__dict__.update(state)
            self.__class__ = HistoryBuffer
            self._set_default_statistics()

    class OneCycleName:
        """Replaces the scheduler, whose state names two of its static functions."""

        def __init__(self) -> None:
            raise ValueError('the checkpoint wants to build a scheduler: refused')

    # Other code may have allowed the real HistoryBuffer too; then either name may be resolved.
    methods = {
        CheckedHistoryBuffer: (HistoryBuffer, ('min', 'max', 'mean', 'current')),
        HistoryBuffer: (HistoryBuffer, ('min', 'max', 'mean', 'current')),
        OneCycleName: (OneCycleParamScheduler, ('_annealing_cos', '_annealing_linear')),
    }

    def method(owner: type, name: str) -> Any:
        true_owner, names = methods.get(owner, (None, ()))
        if not isinstance(name, str) or name not in names:
            raise ValueError(
                f'the checkpoint asks for the attribute {name!r} of {owner!r}: refused'
            )
        return getattr(true_owner, name)

    stand_ins = {CheckedHistoryBuffer: HistoryBuffer, OneCycleName: OneCycleParamScheduler}
    for stand_in, true in stand_ins.items():
        stand_in.__module__, stand_in.__qualname__ = true.__module__, true.__qualname__
        stand_in.__name__ = true.__name__
    return [CheckedHistoryBuffer, OneCycleName, _named('builtins', 'getattr', method)]


def _named(module: str, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Rename a stand-in: torch before 2.6 accepts no name beside the function."""

    def stand_in(*args: Any) -> Any:
        return function(*args)

    stand_in.__module__, stand_in.__name__, stand_in.__qualname__ = module, name, name
    return stand_in
