from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

FOLDER = Path(__file__).parents[3] / 'tools' / 'environment' / 'setup_env'


@pytest.fixture(scope='session')
def tool():
    """The modules of tools/environment/setup_env."""
    sys.path.insert(0, str(FOLDER))
    try:
        spec = importlib.util.spec_from_file_location('setup_env_main', FOLDER / '__main__.py')
        main = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(main)
        names = ('gpu', 'installer', 'joined_sources', 'operators')
        return SimpleNamespace(main=main, **{name: sys.modules[name] for name in names})
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture
def program(tmp_path):
    """Makes a program of bash, in a folder with a space below the test's folder."""

    def make(name, code='true', folder='a bin'):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(f'#!/bin/bash\n{code}\n')
        path.chmod(0o755)
        return path

    return make
