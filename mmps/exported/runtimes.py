"""Programs that run exported networks: ONNX Runtime and OpenVINO."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmps.threads import usable_threads

import numpy as np

from mmps.structures import ConfigError

Run = Callable[[np.ndarray], np.ndarray]
"""Runs ``(n, 3, h, w)`` float32 crops through a network: ``(n, ...)``."""


def load_network(path: Path, size: tuple[int, int]) -> tuple[Run, tuple[Path, ...]]:
    """Load an exported network.

    Args:
        path: Ends in ``.onnx``, or in ``.xml`` with the weights beside it in ``.bin``.
        size: (height, width) of its crops.

    Returns:
        How it is run, and all its files.

    Raises:
        ConfigError: A file is missing or no such network, the network takes other crops, or the
            program that runs it is not installed.
    """
    loaders = {'.onnx': _load_onnx, '.xml': _load_openvino}
    load = loaders.get(path.suffix.lower())
    if load is None:
        raise ConfigError(
            f'{path} is no exported network: give an ONNX file (.onnx) or an OpenVINO IR (.xml '
            'with its .bin beside it)'
        )
    files = (path,) if load is _load_onnx else (path, path.with_suffix('.bin'))
    for file in files:
        if not file.is_file():
            raise ConfigError(f'{file} does not exist; set model.reid.file to the exported network')
    return load(path, size), files


def open_session(path: Path) -> Any:
    """Open an ONNX network.

    Args:
        path: The file.

    Returns:
        An ``onnxruntime.InferenceSession``, on the GPU where ONNX Runtime knows one.

    Raises:
        ConfigError: The file is no such network, or ONNX Runtime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise _missing('onnxruntime', 'onnx', path) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_threads()
    # Threads that spin take the processor from the detector, which computes in turn with them.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    available = onnxruntime.get_available_providers()
    wanted = ['CUDAExecutionProvider', 'CPUExecutionProvider']
    try:
        return onnxruntime.InferenceSession(
            str(path), options, [name for name in wanted if name in available]
        )
    except Exception as error:  # its errors have no common class
        raise _unreadable(path, error) from error


def _load_onnx(path: Path, size: tuple[int, int]) -> Run:
    session = open_session(path)
    entry = session.get_inputs()[0]
    shape = [value if isinstance(value, int) else None for value in entry.shape]
    _check_shape(path, shape, size)

    def run(crops: np.ndarray) -> np.ndarray:
        return session.run(None, {entry.name: crops})[0]

    return _in_pieces(run, shape[0])


def _load_openvino(path: Path, size: tuple[int, int]) -> Run:
    try:
        import openvino
    except ImportError as error:
        raise _missing('openvino', 'openvino', path) from error
    core = openvino.Core()
    try:
        network = core.read_model(str(path))
    except Exception as error:
        raise _unreadable(path, error) from error
    dimensions = network.inputs[0].partial_shape
    shape = [None if length.is_dynamic else length.get_length() for length in dimensions]
    _check_shape(path, shape, size)
    count = shape[0]
    try:
        network.reshape([-1, 3, *size])
        count = None
    except Exception:  # a network that is fixed to its batch
        network = core.read_model(str(path))
    settings = {
        'INFERENCE_NUM_THREADS': usable_threads(),
        # Some processors would round to half precision, and embeddings would differ by machine.
        'INFERENCE_PRECISION_HINT': 'f32',
    }
    compiled = core.compile_model(network, 'CPU', settings)

    def run(crops: np.ndarray) -> np.ndarray:
        return compiled([crops])[0]

    return _in_pieces(run, count)


def _in_pieces(run: Run, count: int | None) -> Run:
    """Let a network that takes a fixed number of crops take any number."""
    if count is None:
        return run

    def run_all(crops: np.ndarray) -> np.ndarray:
        parts = []
        for start in range(0, len(crops), count):
            piece = crops[start : start + count]
            filled = np.concatenate([piece, np.zeros((count - len(piece), *piece.shape[1:]), 'f')])
            parts.append(run(filled)[: len(piece)])
        return np.concatenate(parts)

    return run_all


def _check_shape(path: Path, shape: list[Any], size: tuple[int, int]) -> None:
    fits = len(shape) == 4 and all(
        own is None or own == wanted for own, wanted in zip(shape[1:], (3, *size), strict=True)
    )
    if not fits:
        raise ConfigError(
            f'{path} takes input of shape {tuple(shape)}, expected (n, 3, {size[0]}, {size[1]}): '
            'set model.reid.size to (height, width) of its crops'
        )


def _missing(package: str, extra: str, path: Path) -> ConfigError:
    return ConfigError(f"{path} needs {package}: pip install 'mmps[{extra}]'")


def _unreadable(path: Path, error: Exception) -> ConfigError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return ConfigError(f'{path} is no readable network ({reason}): export or copy it again')
