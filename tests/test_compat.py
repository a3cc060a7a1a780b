import io
import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

import mmps  # noqa: F401  # makes checkpoints loadable
from mmps.compat import _python_globals


class Call:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class State:
    """Pickles as an object of a class, with a state."""

    def __init__(self, cls, state):
        self.cls, self.state = cls, state

    def __reduce__(self):
        return object.__new__, (self.cls,), self.state


def history():
    buffer = HistoryBuffer()
    for value in (3.0, 1.0, 2.0):
        buffer.update(value)
    return buffer


def saved(content, path, protocol=2):
    """Write as torch.save does, with any pickle protocol."""
    torch.save(content, path, pickle_protocol=protocol)
    return path


def test_what_mmengine_writes_is_read(tmp_path):
    content = {
        'state_dict': {'w': torch.ones(2)},
        'meta': {'eta': np.float64(3.5), 'epoch': 4},
        'message_hub': {'log_scalars': {'loss': history()}, 'rows': np.arange(3)},
    }
    loaded = torch.load(saved(content, tmp_path / 'a.pth'), weights_only=True)
    buffer = loaded['message_hub']['log_scalars']['loss']
    assert type(buffer) is HistoryBuffer
    assert (buffer.min(), buffer.max(), buffer.current()) == (1.0, 3.0, 2.0)
    assert loaded['meta']['eta'] == 3.5
    buffer.update(9.0)
    assert buffer.current() == 9.0


def test_one_cycle_schedulers_are_read(tmp_path):
    from mmengine.optim import OneCycleLR

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    scheduler = OneCycleLR(optimizer, eta_max=0.1, total_steps=10)
    loaded = torch.load(saved(scheduler.state_dict(), tmp_path / 'a.pth'), weights_only=True)
    scheduler.load_state_dict(loaded)
    optimizer.step()
    scheduler.step()


def marker(tmp_path):
    return tmp_path / 'pwned'


def evil(tmp_path):
    """Contents that must not load: by name, functions of the marker's path."""
    touch = f'touch {marker(tmp_path)}'
    getter = getattr
    return {
        'os.system': Call(os.system, touch),
        'eval': Call(eval, f'open({str(marker(tmp_path))!r}, "w")'),
        'exec': Call(exec, f'open({str(marker(tmp_path))!r}, "w")'),
        'popen': Call(os.popen, touch),
        'subprocess': Call(subprocess.check_output, touch.split()),
        'open': Call(open, str(marker(tmp_path)), 'w'),
        'np.load': Call(np.load, str(tmp_path / 'x.npy')),
        'np.fromfile': Call(np.fromfile, str(tmp_path / 'x.npy')),
        'import': Call(__import__, 'antigravity'),
        'getattr of torch': Call(getter, torch.Tensor, 'numpy'),
        'getattr init': Call(getter, HistoryBuffer, '__init__'),
        'getattr register': Call(getter, HistoryBuffer, 'register_statistics'),
        'getattr globals': Call(getter, HistoryBuffer.min, '__globals__'),
        'getattr with default': Call(getter, HistoryBuffer, '__init__', None),
        'nested': {'state_dict': {'w': [Call(os.system, touch)]}},
        'buffer with a foreign state': State(HistoryBuffer, {'max_length': 3, 'evil': 1}),
        'buffer with objects': State(
            HistoryBuffer,
            {'max_length': 3, '_log_history': np.array([object]), '_count_history': np.ones(1)},
        ),
        'object array': np.array([Call(os.system, touch)], dtype=object),
        'pickle.loads': Call(pickle.loads, pickle.dumps(Call(os.system, touch))),
        'memory-mapped file': Call(np.memmap, str(marker(tmp_path)), 'uint8', 'w+', 0, (3,)),
    }


@pytest.mark.parametrize('name', evil(__import__('pathlib').Path('x')))
@pytest.mark.parametrize('protocol', [2, 4])
def test_what_would_run_code_is_refused_and_has_no_effect(tmp_path, name, protocol):
    path = tmp_path / 'evil.pth'
    saved(evil(tmp_path)[name], path, protocol)
    with pytest.raises((pickle.UnpicklingError, ValueError, TypeError, RuntimeError)):
        torch.load(path, weights_only=True)
    assert not marker(tmp_path).exists()


@pytest.mark.parametrize('size', [0, 1, 100, 400])
def test_cut_and_empty_files_are_refused(tmp_path, size):
    path = saved({'w': torch.ones(50)}, tmp_path / 'a.pth')
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises((RuntimeError, EOFError, pickle.UnpicklingError)):
        torch.load(path, weights_only=True)


def test_an_archive_with_a_crafted_pickle_is_refused(tmp_path):
    path = saved({'w': torch.ones(3)}, tmp_path / 'a.pth')
    crafted = io.BytesIO()
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(crafted, 'w') as out:
        for item in whole.namelist():
            data = whole.read(item)
            if item.endswith('data.pkl'):
                data = pickle.dumps(Call(os.system, f'touch {marker(tmp_path)}'), protocol=2)
            out.writestr(item, data)
    path.write_bytes(crafted.getvalue())
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    assert not marker(tmp_path).exists()


def test_downloads_are_restricted_too(tmp_path):
    from mmengine.runner import load_checkpoint
    from mmengine.runner.checkpoint import load_url

    path = saved(Call(os.system, f'touch {marker(tmp_path)}'), tmp_path / 'evil-1.pth')
    with pytest.raises(pickle.UnpicklingError):
        load_url(path.as_uri(), model_dir=str(tmp_path / 'hub'))
    assert not marker(tmp_path).exists()
    good = saved({'state_dict': {'weight': torch.full((1, 1), 7.0)}}, tmp_path / 'good.pth')
    assert load_url(good.as_uri(), model_dir=str(tmp_path / 'hub'))['state_dict']['weight'] == 7
    layer = torch.nn.Linear(1, 1, bias=False)
    load_checkpoint(layer, str(good))
    assert layer.weight.item() == 7


def test_mmengines_loader_refuses_too_and_reads_on(tmp_path):
    from mmengine.runner import load_checkpoint

    layer = torch.nn.Linear(1, 1, bias=False)
    path = saved(Call(os.system, f'touch {marker(tmp_path)}'), tmp_path / 'evil.pth')
    with pytest.raises(pickle.UnpicklingError):
        load_checkpoint(layer, str(path))
    assert not marker(tmp_path).exists()
    content = {'state_dict': layer.state_dict(), 'message_hub': {'loss': history()}}
    path = saved(content, tmp_path / 'good.pth')
    for _ in range(2):
        assert load_checkpoint(layer, str(path))['message_hub']['loss'].max() == 3.0
    assert torch.load(path, weights_only=True)['message_hub']['loss'].min() == 1.0


class Storage:
    """Gives the bytes of files under any address."""

    def __init__(self, folder):
        self.folder = folder

    def get(self, name):
        return (self.folder / name.rpartition('/')[2]).read_bytes()


@pytest.fixture
def old_torch(monkeypatch):
    """Torch before 2.6, which unpickles without restriction unless told otherwise."""
    load = torch.load
    unrestricted = lambda *args, **kwargs: load(*args, **{'weights_only': False, **kwargs})  # noqa: E731
    monkeypatch.setattr(torch, 'load', unrestricted)


@pytest.mark.parametrize('where', ['s3://bucket/', 'petrel://bucket/', 'openmmlab://', 'folder'])
def test_every_storage_is_restricted_on_an_old_torch(tmp_path, monkeypatch, old_torch, where):
    from mmengine.runner import checkpoint

    monkeypatch.setattr(checkpoint, 'get_file_backend', lambda *args, **kwargs: Storage(tmp_path))
    monkeypatch.setattr(checkpoint, 'get_external_models', lambda: {'a.pth': 'a.pth'})
    monkeypatch.setattr(checkpoint, '_get_mmengine_home', lambda: str(tmp_path))
    address = f'{tmp_path}/a.pth' if where == 'folder' else f'{where}a.pth'
    saved(Call(os.system, f'touch {marker(tmp_path)}'), tmp_path / 'a.pth')
    with pytest.raises(pickle.UnpicklingError):
        checkpoint.CheckpointLoader.load_checkpoint(address, 'cpu')
    assert not marker(tmp_path).exists()
    saved({'state_dict': {'w': torch.ones(2)}, 'loss': history()}, tmp_path / 'a.pth')
    found = checkpoint.CheckpointLoader.load_checkpoint(address, 'cpu')
    assert found['loss'].max() == 3.0


def test_mmengines_module_finds_all_of_torch():
    from mmengine.runner import checkpoint

    assert checkpoint.torch.nn.Module is torch.nn.Module
    assert checkpoint.torch.save is torch.save


def test_a_scheduler_is_not_built_from_a_file(tmp_path):
    from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

    saved(Call(OneCycleParamScheduler), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='wants to build a scheduler: refused'):
        torch.load(tmp_path / 'a.pth', weights_only=True)


def test_a_missing_checkpoint_is_named(tmp_path):
    from mmengine.runner import load_checkpoint

    with pytest.raises(FileNotFoundError, match=r'a\.pth can not be found\.'):
        load_checkpoint(torch.nn.Linear(1, 1), str(tmp_path / 'a.pth'))


def test_bytes_are_the_only_encoded_text():
    (encode,) = _python_globals()
    assert encode('\xe9', 'latin1') == b'\xe9'
    with pytest.raises(ValueError, match="text in the encoding 'rot13': refused"):
        encode('x', 'rot13')


def test_import_survives_without_torch(tmp_path):
    (tmp_path / 'torch.py').write_text("raise ImportError('no torch')")
    command = [sys.executable, '-c', 'import mmps; print(mmps.__version__)']
    environment = {**os.environ, 'PYTHONPATH': str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_import_survives_a_broken_torch(tmp_path):
    (tmp_path / 'torch.py').write_text("raise OSError('libtorch.so: cannot open shared object')")
    command = [sys.executable, '-c', 'import mmps; print(mmps.__version__)']
    environment = {**os.environ, 'PYTHONPATH': str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 'python -m mmps.doctor' in done.stderr
