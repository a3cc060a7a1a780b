"""What the house style asks and ruff cannot check."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from mmengine.registry import Registry

from mmps import registry

ROOT = Path(__file__).parents[1]
FOLDERS = ('mmps', 'configs', 'tools', 'tests', '.ci')
MODULES = sorted([*(ROOT / 'mmps').rglob('*.py'), *(ROOT / 'tools').rglob('*.py')])
LIBRARY = sorted((ROOT / 'mmps').rglob('*.py'))
TESTS = sorted((ROOT / 'tests').rglob('*.py'))
REGISTRIES = [value for value in vars(registry).values() if isinstance(value, Registry)]
# What a command prints to the terminal, kept in the package because several tools share it.
COMMAND_LINES = (
    'doctor/__main__.py',
    'doctor/probes.py',
    'apis/running.py',
    'converters/command_line.py',
)
MAX_FILE, MAX_FUNCTION, USUAL_FUNCTION = 300, 60, 40

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding='utf-8'))


def body_length(function: Function) -> int:
    """Lines of the body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def text_files() -> list[Path]:
    suffixes = {'.py', '.md', '.sh', '.toml', '.txt', '.in', '.yaml', '.yml', '.json', ''}
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob('*')]
    # In a second work tree of one repository, `.git` is a file that names the first one.
    files = [path for path in (*inside, *ROOT.iterdir()) if path.suffix in suffixes]
    files = [path for path in files if path.name != '.git']
    return [path for path in files if path.is_file() and '__pycache__' not in path.parts]


@pytest.mark.parametrize('path', MODULES, ids=name_of)
def test_files_are_short(path):
    lines = len(path.read_text(encoding='utf-8').splitlines())
    assert lines <= MAX_FILE, f'{lines} lines: split it by concept'


@pytest.mark.parametrize('path', MODULES, ids=name_of)
def test_functions_are_short(path):
    long = {f.name: n for f in functions(path) if (n := body_length(f)) > MAX_FUNCTION}
    assert not long, f'more than {MAX_FUNCTION} lines: {long}'


def test_nearly_all_functions_are_shorter_still():
    lengths = [body_length(function) for path in MODULES for function in functions(path)]
    assert sum(length <= USUAL_FUNCTION for length in lengths) >= 0.97 * len(lengths)


@pytest.mark.parametrize('path', MODULES, ids=name_of)
def test_docstrings_do_not_repeat_types_and_defaults(path):
    documented = (ast.Module, ast.ClassDef, *Function.__args__)
    texts = [ast.get_docstring(n) or '' for n in ast.walk(tree(path)) if isinstance(n, documented)]
    repeated = re.findall(
        r'^ +\w+ \([^)\n]*\): .*$|.*\b[Dd]efaults? to\b.*', '\n'.join(texts), re.M
    )
    assert not repeated


@pytest.mark.parametrize('path', LIBRARY, ids=name_of)
def test_the_library_does_not_print_or_unpickle(path):
    calls = {node.func.id for node in ast.walk(tree(path)) if is_plain_call(node)}
    assert 'print' not in calls or name_of(path).endswith(COMMAND_LINES)
    text = path.read_text(encoding='utf-8')
    assert not re.search(r'^\s*(import|from) (pickle|joblib|torchvision)\b', text, re.M)
    assert not re.search(r'allow_pickle=True|weights_only=False', text)


@pytest.mark.parametrize('path', TESTS, ids=name_of)
def test_tests_do_not_hide_skips(path):
    text = path.read_text(encoding='utf-8')
    assert not re.search(r'^\s*return (unittest|pytest)\.\w+|^import unittest', text, re.M)


def test_registries_are_found():
    assert len(REGISTRIES) >= 9


@pytest.mark.parametrize('node', REGISTRIES, ids=lambda node: node.name)
def test_registry_locations_import_and_hold_what_they_promise(node):
    for location in node._locations:
        importlib.import_module(location)
    for name, registered in node.module_dict.items():
        assert registered.__module__.startswith(tuple(node._locations)), (
            f'mmps.{name} is registered by {registered.__module__}, which naming it does not import'
        )


def test_no_file_names_a_machine_or_a_package_index():
    machine = re.compile(r'(?<![\w.])/(root|home|work|mnt)/\w')
    index = re.compile(r'https?://[^\s)"\']*(pypi|pythonhosted|anaconda|/simple\b)')
    named = {
        f'{name_of(path)}: {found.group()}'
        for path in text_files()
        for found in (*machine.finditer(read(path)), *index.finditer(read(path)))
    }
    assert not named


def read(path: Path) -> str:
    return path.read_text(encoding='utf-8', errors='replace')


def is_plain_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
