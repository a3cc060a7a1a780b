"""The config in a checkpoint, read as data: its text is never executed."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmps.structures import ConfigError


def config_of(content: Any, path: str | Path) -> Config:
    """Read the config that MMEngine kept in a checkpoint.

    Args:
        content: Content of the file.
        path: Of the file, for messages.

    Raises:
        ConfigError: There is no config, or more than data in it.
    """
    meta = content.get('meta') if isinstance(content, dict) else None
    text = meta.get('cfg') if isinstance(meta, dict) else None
    if not isinstance(text, str):
        raise ConfigError(f'{path} holds no config: give the config file and this checkpoint')
    try:
        return Config(read_literals(text), cfg_text=text, filename=None)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise ConfigError(
            f'the config in {path} cannot be read as data ({error}): give the config file and this '
            'checkpoint'
        ) from error


def read_literals(text: str) -> dict[str, Any]:
    """Read assignments of literals and ``dict(...)``, as MMEngine writes a config.

    Args:
        text: Python source.

    Raises:
        ValueError: There is anything else in it; the message names the line.
        SyntaxError: The text is not Python.
    """
    values = {}
    for statement in ast.parse(text).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = ast.literal_eval(_AsLiterals().visit(value))
            case _:
                raise ValueError(f'line {statement.lineno} is no assignment')
    return values


class _AsLiterals(ast.NodeTransformer):
    """Turns ``dict(key=value)`` into ``{'key': value}``; other calls stay, and are refused."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        names = [keyword.arg for keyword in node.keywords]
        if not isinstance(node.func, ast.Name) or node.func.id != 'dict' or node.args:
            return node
        if None in names:
            return node
        keys = [ast.Constant(name) for name in names]
        return ast.copy_location(ast.Dict(keys, [k.value for k in node.keywords]), node)
