"""What the house style asks and ruff cannot check."""

from __future__ import annotations

import ast
import importlib
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
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
    'mmps/command_line.py',
    'converters/command_line.py',
)
# From the lowest to the highest: a room imports those before it.
ROOMS = (
    'version', 'paper', 'compat', 'threads', 'structures', 'files', 'images', 'digests', 'registry',
    'command_line', 'formats', 'retrieval', 'exported', 'checkpoints', 'models', 'features',
    'datasets', 'evaluation', 'engine', 'gallery', 'apis', 'visualization', 'doctor', 'server',
    'commands', 'synthetic', 'benchmarks', 'reproduction', 'testing', '__main__',
)  # fmt: skip
MAX_FILE, MAX_FUNCTION, USUAL_FUNCTION = 300, 60, 40
# Words that are never right here, and what to write instead. Names in code are not prose.
GLOSSARY = {
    r'anew': 'again',
    r'as ever': 'unchanged',
    r'cures?': 'fix',
    r'in place of': 'instead of',
    r'mend(?:s|ed|ing)?': 'fix',
    r'pictures?': 'image, or figure if it is drawn',
}
NAME_AROUND = (r"(?<![\w./`{'\"-])", r'(?![\w(:`=]|\.\w)')

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(read(path))


@cache
def read(path: Path) -> str:
    return path.read_text(encoding='utf-8', errors='replace')


def plain_calls(path: Path) -> set[str]:
    calls = (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)}


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


def test_files_are_short():
    lengths = {name_of(path): len(read(path).splitlines()) for path in MODULES}
    assert not {name: n for name, n in lengths.items() if n > MAX_FILE}, 'split by concept'


def test_functions_are_short():
    lengths = {
        f'{name_of(path)}: {function.name}': body_length(function)
        for path in MODULES
        for function in functions(path)
    }
    assert not {name: n for name, n in lengths.items() if n > MAX_FUNCTION}
    usual = sum(length <= USUAL_FUNCTION for length in lengths.values())
    assert usual >= 0.97 * len(lengths)


def test_docstrings_do_not_repeat_types_and_defaults():
    documented = (ast.Module, ast.ClassDef, *Function.__args__)
    repeats = re.compile(r'^ +\w+ \([^)\n]*\): .*$|.*\b[Dd]efaults? to\b.*', re.M)
    assert not {
        f'{name_of(path)}: {found.group().strip()}'
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, documented)
        for found in repeats.finditer(ast.get_docstring(node) or '')
    }


def test_the_library_does_not_print_or_unpickle():
    unsafe = re.compile(
        r'^\s*(import|from) (pickle|joblib|torchvision)\b|allow_pickle=True|weights_only=False',
        re.M,
    )
    assert not [name_of(path) for path in LIBRARY if unsafe.search(read(path))]
    printing = [name_of(path) for path in LIBRARY if 'print' in plain_calls(path)]
    commands = [name for name in printing if name.startswith('mmps/commands/')]
    assert not [n for n in printing if not n.endswith(COMMAND_LINES) and n not in commands]


def test_tests_do_not_hide_skips():
    hidden = re.compile(r'^\s*return (unittest|pytest)\.\w+|^import unittest', re.M)
    assert not [name_of(path) for path in TESTS if hidden.search(read(path))]


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


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def room_of(module: str) -> str | None:
    return module.split('.')[1] if '.' in module else None


@cache
def imports() -> dict[str, set[str]]:
    """What each module of mmps imports of mmps: anywhere in it, for type checkers too."""
    modules = {module_of(path): path for path in LIBRARY}
    found: dict[str, set[str]] = {name: set() for name in modules}
    for name, path in modules.items():
        package = name if path.name == '__init__.py' else name.rpartition('.')[0]
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import):
                found[name].update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package.split('.')[: len(package.split('.')) + 1 - node.level]
                base = '.'.join([*(above if node.level else []), *filter(None, [node.module])])
                inside = {f'{base}.{alias.name}' for alias in node.names}
                found[name].update(inside & modules.keys() or {base})
    return {name: {m for m in wanted if m in modules} - {name} for name, wanted in found.items()}


def circles(graph: dict[str, set[str]]) -> set[str]:
    """Modules that import each other: what is left when those that import nothing else go."""
    left = {name: set(wanted) for name, wanted in graph.items()}
    while free := {name for name, wanted in left.items() if not wanted & left.keys()}:
        left = {name: wanted for name, wanted in left.items() if name not in free}
    needed = {name: {n for n in left if name in left[n]} for name in left}
    while free := {name for name, users in needed.items() if not users & needed.keys()}:
        needed = {name: users for name, users in needed.items() if name not in free}
    return set(needed)


def test_no_modules_import_each_other():
    assert not circles(imports())
    assert circles({'a': {'b'}, 'b': {'c'}, 'c': {'b'}, 'd': set()}) == {'b', 'c'}


def test_no_room_imports_a_higher_one():
    rooms = {room_of(module) for module in imports()} - {None}
    assert rooms <= set(ROOMS), 'give new rooms their place in ROOMS'
    climbing = {
        f'{module} imports {wanted}'
        for module, found in imports().items()
        for wanted in found
        if room_of(module) and room_of(wanted)
        if ROOMS.index(room_of(wanted)) > ROOMS.index(room_of(module))
    }
    assert not climbing


def test_only_tests_and_tools_use_the_helpers_of_tests():
    users = {module for module, found in imports().items() if 'testing' in map(room_of, found)}
    assert not {module for module in users if room_of(module) != 'testing'}


def prose(path: Path) -> str:
    """Comments, docstrings and messages of a module; names in f-strings are left out."""
    tokens = tokenize.generate_tokens(io.StringIO(read(path)).readline)
    spoken = [token.string for token in tokens if token.type == tokenize.COMMENT]
    values = (node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Constant))
    return '\n'.join(spoken + [v for v in values if isinstance(v, str) and ' ' in v])


def edited(paths: list[Path]) -> list[Path]:
    return [path for path in paths if name_of(path) != 'tests/test_style.py']


def test_prose_follows_the_glossary():
    texts = {path: prose(path) for path in edited([*MODULES, *TESTS])}
    pages = (path for path in text_files() if path.suffix == '.md')
    texts |= {path: re.sub(r'`[^`]*`', '', read(path)) for path in pages}
    assert not {
        f'{name_of(path)}: {found.group()!r}, write {better!r}'
        for wrong, better in GLOSSARY.items()
        for path, text in texts.items()
        for found in re.finditer(wrong.join(NAME_AROUND), text, re.I)
    }


def test_argument_lines_begin_upper_case():
    section = re.compile(r'^(?:Args|Attributes):\n((?: {4}.*(?:\n|$)|\n)+)', re.M)
    assert not {
        f'{name_of(path)}: {line.strip()}'
        for path in edited(MODULES)
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.ClassDef, *Function.__args__))
        for lines in section.findall(ast.get_docstring(node) or '')
        for line in re.findall(r'^ {4}\*{0,2}\w+: [a-z].*', lines, re.M)
    }
