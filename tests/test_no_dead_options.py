"""Every argument of every registered class is used: an option that changes nothing is a fault."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path

from mmengine.registry import Registry

from mmps import registry

ROOT = Path(__file__).parents[1] / 'mmps'
REGISTRIES = [value for value in vars(registry).values() if isinstance(value, Registry)]


def registered() -> Iterator[type]:
    for node in REGISTRIES:
        for location in node._locations:
            importlib.import_module(location)
        yield from (c for c in node.module_dict.values() if c.__module__.startswith('mmps.'))


CLASSES = sorted(set(registered()), key=lambda c: c.__qualname__)


def constructor(cls: type) -> ast.FunctionDef | None:
    """The constructor that a class itself defines."""
    if '__init__' not in vars(cls):
        return None
    source = textwrap.dedent(inspect.getsource(vars(cls)['__init__']))
    return ast.parse(source).body[0]


def names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def kept_as(statement: ast.stmt, argument: str) -> set[str]:
    """The attributes that a statement does nothing but keep an argument in."""
    pairs = []
    for target in getattr(statement, 'targets', []):
        several = isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple)
        pairs += (
            zip(target.elts, statement.value.elts, strict=True)
            if several
            else [(target, statement.value)]
        )
    return {
        target.attr
        for target, value in pairs
        if isinstance(target, ast.Attribute) and argument in names(value)
    }


def attributes_read() -> set[str]:
    """All attributes that the package reads anywhere."""
    trees = (ast.parse(path.read_text(encoding='utf-8')) for path in ROOT.rglob('*.py'))
    return {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }


READ = attributes_read()


def dead_arguments(cls: type, read: set[str]) -> Iterator[str]:
    function = constructor(cls)
    arguments = function.args if function else ast.arguments([], [], None, [], [], None, [])
    for argument in [a.arg for a in (*arguments.args[1:], *arguments.kwonlyargs)]:
        users = [s for s in function.body if argument in names(s)]
        kept = set().union(*(kept_as(s, argument) for s in users))
        only_kept = len(kept) > 0 and all(kept_as(s, argument) for s in users)
        if not users or (only_kept and not kept & read):
            yield argument


def test_every_argument_is_used():
    dead = {f'{c.__qualname__}({a}=...)' for c in CLASSES for a in dead_arguments(c, READ)}
    assert not dead


class Dead:
    def __init__(self, used, unused, kept, checked) -> None:
        if not checked:
            raise ValueError(checked)
        self.kept, self.checked = kept, checked
        self.used = used


def test_dead_arguments_are_found():
    assert list(dead_arguments(Dead, {'used'})) == ['unused', 'kept']
    assert len(CLASSES) > 30
