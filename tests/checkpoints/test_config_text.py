from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config

from mmps.checkpoints.config_text import config_of, read_literals
from mmps.structures import ConfigError

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.mark.parametrize('name', ['toy', 'disjoint', 'detectors'])
def test_the_text_of_a_config_gives_the_same_config(name):
    config = Config.fromfile(sorted((CONFIGS / name).glob('*.py'))[0])
    read = config_of({'meta': {'cfg': config.pretty_text}}, 'a.pth')
    assert read._cfg_dict.to_dict() == config._cfg_dict.to_dict()


def test_literals_of_every_kind_are_read():
    text = "a = dict(b=[-1, 2.5, None], c={'x-y': (1, 'two' 'three')}, d=dict())\ne = True"
    assert read_literals(text) == {
        'a': {'b': [-1, 2.5, None], 'c': {'x-y': (1, 'twothree')}, 'd': {}},
        'e': True,
    }


@pytest.mark.parametrize(
    'text',
    [
        'import os',
        "a = __import__('os')",
        "a = dict(b=open('x', 'w'))",
        'a = [x for x in (1,)]',
        "a = dict(**{'b': 1})",
        'print(1)',
        "a = f'{1}'",
        'a = (',
        'a = ' + '-' * 100_000 + '1',
    ],
)
def test_nothing_is_executed(text):
    with pytest.raises(ConfigError, match=r'config in a.pth cannot be read as data.*config file'):
        config_of({'meta': {'cfg': text}}, 'a.pth')


@pytest.mark.parametrize('content', [[], {}, {'meta': None}, {'meta': {'cfg': None}}])
def test_a_file_without_a_config_is_named(content):
    with pytest.raises(ConfigError, match=r'a.pth holds no config'):
        config_of(content, 'a.pth')
