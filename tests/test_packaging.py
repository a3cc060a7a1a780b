"""A wheel carries configs and tools, and holds what it needs to know."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import mmps
from mmps.doctor.versions import read_requirements, read_tested

ROOT = Path(__file__).parents[1]
SOURCE = (
    'mmps', 'configs', 'tools', 'setup.py', 'pyproject.toml', 'MANIFEST.in', 'LICENSE',
    'model-index.yml',
)  # fmt: skip


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    """A copy of the source in a folder with a space, so that a build leaves nothing behind."""
    folder = tmp_path_factory.mktemp('a copy')
    ignored = shutil.ignore_patterns('__pycache__', '.mim')
    for name in SOURCE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def build(folder, command, out):
    arguments = [sys.executable, 'setup.py', '-q', command, '-d', str(out)]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(out.iterdir())


@pytest.fixture(scope='module')
def installed(source, tmp_path_factory):
    """An unpacked wheel."""
    wheel = build(source, 'bdist_wheel', tmp_path_factory.mktemp('wheel'))
    folder = tmp_path_factory.mktemp('site packages')
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def files_below(folder):
    return {
        str(path.relative_to(folder))
        for path in folder.rglob('*')
        if path.is_file() and '__pycache__' not in path.parts
    }


@pytest.mark.parametrize('folder', ['configs', 'tools'])
def test_the_wheel_carries_configs_and_tools(installed, folder):
    assert files_below(installed / 'mmps' / '.mim' / folder) == files_below(ROOT / folder)
    assert (installed / 'mmps' / '.mim' / 'model-index.yml').is_file()


def test_the_wheel_carries_every_module_and_the_versions(installed):
    wanted = {
        name
        for name in files_below(ROOT / 'mmps')
        if name.endswith(('.py', '.txt', '.html', '.js', '.css', '.svg'))
    }
    assert 'versions.txt' in wanted
    assert wanted <= files_below(installed / 'mmps')
    assert not (installed / 'tests').exists()


def test_the_metadata(installed):
    (folder,) = installed.glob('mmps-*.dist-info')
    metadata = (folder / 'METADATA').read_text()
    oldest, _ = read_tested('python')
    assert f'\nVersion: {mmps.__version__}\n' in metadata
    assert f'\nRequires-Python: >={oldest}\n' in metadata
    assert f'mmps needs Python {oldest} or newer' in Path(mmps.__file__).read_text()
    # Both stacks have the same import names: neither may be pulled over the other.
    required = re.findall(r'^Requires-Dist: ([\w-]+)(?!.*extra)', metadata, re.M)
    assert not {'torch', 'mmcv', 'mmdet', 'mmengine'} & set(required)
    assert 'Apache License' in next(folder.rglob('LICENSE')).read_text()
    needed_by_mmdet = {'pycocotools'}
    assert set(required) - needed_by_mmdet <= imported_by(ROOT / 'mmps')


def imported_by(package):
    """Names of the top-level modules that the modules of a package import."""
    nodes = [n for path in package.rglob('*.py') for n in ast.walk(ast.parse(path.read_text()))]
    names = [alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names]
    names += [n.module for n in nodes if isinstance(n, ast.ImportFrom) and not n.level]
    return {name.partition('.')[0] for name in names}


def test_the_oldest_setuptools_has_what_setup_py_asks_for():
    """``build_py.editable_mode`` came with setuptools 64."""
    (built_with,) = re.findall(r'"setuptools>=(\d+)"', (ROOT / 'pyproject.toml').read_text())
    assert read_requirements()['setuptools'].startswith(f'setuptools>={built_with},')
    assert int(built_with) >= 64


def test_the_build_leaves_no_links_in_the_source(source, installed):
    assert not (source / 'mmps' / '.mim').exists()
    assert not [path for path in source.rglob('*') if path.is_symlink()]


def test_mmengine_and_mim_find_configs_where_they_look(installed, monkeypatch):
    from mmengine.infer import BaseInferencer

    spec = importlib.util.spec_from_file_location('mmps', installed / 'mmps' / '__init__.py')
    package = importlib.util.module_from_spec(spec)
    package.__path__ = [str(installed / 'mmps')]
    monkeypatch.setitem(sys.modules, 'mmps', package)
    found = BaseInferencer._get_repo_or_mim_dir('mmps')
    assert Path(found) == installed / 'mmps' / '.mim'


@pytest.mark.installer
def test_every_config_of_the_wheel_loads_away_from_the_repository(installed, tmp_path):
    code = (
        'import sys; from pathlib import Path; from mmengine.config import Config\n'
        'for path in sorted(Path(sys.argv[1]).rglob("*.py")): Config.fromfile(path)'
    )
    done = subprocess.run(
        [sys.executable, '-c', code, str(installed / 'mmps' / '.mim' / 'configs')],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.installer
def test_the_sdist_builds_the_same_wheel(source, installed, tmp_path):
    sdist = build(source, 'sdist', tmp_path / 'sdist')
    shutil.unpack_archive(sdist, tmp_path / 'unpacked')
    wheel = build(next((tmp_path / 'unpacked').iterdir()), 'bdist_wheel', tmp_path / 'wheel')
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if name.startswith('mmps/')}
    assert names == {name for name in files_below(installed) if name.startswith('mmps/')}


def test_a_python_that_cannot_read_the_package_is_named(monkeypatch):
    code = compile((ROOT / 'mmps' / '__init__.py').read_text(), 'mmps', 'exec')
    monkeypatch.setattr(sys, 'version_info', (3, 6, 15))
    monkeypatch.setattr(sys, 'version', '3.6.15 (default)')
    with pytest.raises(ImportError, match=r'Python 3\.10 or newer, and this is 3\.6\.15: install'):
        exec(code, {'__name__': 'mmps'})
