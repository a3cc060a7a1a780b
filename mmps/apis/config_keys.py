"""Keys of configs and of ``--cfg-options`` that nobody would read: misspelt, or mere variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from inspect import signature
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmps.engine.checks import RENAMED_KEYS, check_renamed_keys
from mmps.structures import ConfigError

OWN_KEYS = ('cached_people', 'auto_scale_lr', 'compile', 'runner_type')
"""Top-level keys of a config that are read by others than MMEngine's runner."""

SELDOM = ('custom_imports', 'tta_model', 'tta_pipeline')
"""Those that are read, too, but which a message does not suggest."""

SHOWN = 6
"""Places that a message lists."""


def check_top_level_keys(config: Config) -> None:
    """Refuse a top-level key that is nearly, but not quite, one that is read, or that was renamed.

    A variable may be called anything: the config itself reads it.

    Raises:
        ConfigError: There is such a key.
    """
    check_renamed_keys(config)
    known = _usual_keys()
    for key in [key for key in config if key not in read_keys()]:
        similar = get_close_matches(key, known, n=1, cutoff=0.8)
        if similar and not is_variable(config, key):
            raise ConfigError(
                f'{config.filename}: unknown key {key!r}; did you mean {similar[0]!r}?'
            )


def check_option_keys(config: Config, options: Mapping[str, Any]) -> None:
    """Refuse an option that changes nothing, as its key is misspelt or serves the file alone.

    Raises:
        ConfigError: Nobody reads the key's first part, or it was renamed; or a later part is not
            in the config, but one that looks like it is.
    """
    for dotted in options:
        first, *rest = dotted.split('.')
        if first in RENAMED_KEYS:
            new = '.'.join([RENAMED_KEYS[first], *rest])
            raise ConfigError(f'--cfg-options {dotted}: {first!r} was renamed: set {new}')
        if first not in read_keys():
            _check_first_key(config, dotted)
        node: Any = config._cfg_dict.get(first)
        for key in rest:
            if not isinstance(node, dict):
                break
            _refuse_misspelt(dotted, key, node)
            node = node.get(key)


def read_keys() -> list[str]:
    """List the top-level keys that are read."""
    return [*_usual_keys(), *SELDOM]


def _usual_keys() -> list[str]:
    return [*signature(Runner.__init__).parameters, *OWN_KEYS]


def is_variable(config: Config, key: str) -> bool:
    """Check whether a config reads a top-level key of its own, which a misspelt one never is."""
    use = rf'(?<![\w.\'"])(_base_\.)?{re.escape(key)}\b(?!["\']?\s*(=(?!=)|:))'
    return bool(re.search(use, _code(config)))


def _code(config: Config) -> str:
    return re.sub(r'#.*', '', config.text)


def _check_first_key(config: Config, dotted: str) -> None:
    """Refuse a first key that only the file reads, or nobody; name what is read in its place."""
    first, _, rest = dotted.partition('.')
    content = config._cfg_dict
    read = {key: part for key, part in content.items() if key in read_keys()}
    if first not in content:
        _refuse_misspelt(dotted, first, dict.fromkeys(_usual_keys()))
        why = f'nobody reads the key {first!r}'
        ending = first.split('_')[-1]
        places = [
            path
            for path, value in _places(read)
            if path.split('.')[-1] == ending and isinstance(value, dict | list)
        ]
        if not places:
            return
    elif first.startswith('_') or is_variable(config, first):
        why = f'{first!r} serves the config file alone, which was read before'
        places = _copies(config, first, read)
    else:
        return  # perhaps read by somebody's own hook
    shown = [f'{place}.{rest}' if rest else place for place in places[:SHOWN]]
    more = f' and {len(places) - SHOWN} more' if len(places) > SHOWN else ''
    cure = f'set {", ".join(shown)}{more}' if shown else 'set what is made of it'
    raise ConfigError(f'--cfg-options {dotted}: {why}, so that it would change nothing; {cure}')


def _copies(config: Config, variable: str, read: dict[str, Any]) -> list[str]:
    """Find where a variable's value went, as dotted keys."""
    wanted = config._cfg_dict[variable]
    found = [p for p, value in _places(read) if type(value) is type(wanted) and value == wanted]
    if isinstance(wanted, dict | list):
        return found
    # The same number or word may stand anywhere: the file must say `key=variable`.
    code = _code(config)
    given = rf'\b{{}}[\'"]?\s*[=:]\s*(_base_\.)?{re.escape(variable)}\b'
    return [p for p in found if re.search(given.format(re.escape(p.split('.')[-1])), code)]


def _places(node: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    """List all values of a config with their dotted keys."""
    items = enumerate(node) if isinstance(node, list | tuple) else ()
    for key, part in node.items() if isinstance(node, dict) else items:
        place = f'{path}.{key}' if path else str(key)
        yield place, part
        yield from _places(part, place)


def _refuse_misspelt(dotted: str, key: str, known: Mapping[str, Any]) -> None:
    public = [name for name in known if not name.startswith('_')]
    similar = get_close_matches(key, public, n=1, cutoff=0.8)
    if key not in known and similar:
        raise ConfigError(
            f'--cfg-options {dotted}: unknown key {key!r}; did you mean {similar[0]!r}?'
        )


def leave_out_idle_settings(config: Config) -> None:
    """Leave out what says how processes load data where none does, as torch refuses it there.

    Args:
        config: Changed in place.
    """
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = config.get(name) or {}
        if not loader.get('num_workers'):
            loader.pop('persistent_workers', None)
            loader.pop('prefetch_factor', None)
