from __future__ import annotations

import json

import pytest

from mmps.reproduction.pages import files_of, update
from mmps.structures import DataError

PAGE = '# Title\n\n<!-- results: {} -->\nold\n<!-- end of results -->\n\nText.\n'


def quickstart(seed):
    scores = {b: {'mAP': 0.5 + seed / 10, 'top1': 0.6} for b in ('detected', 'gt')}
    return {
        'table': 'quickstart', 'seed': seed, 'command': 'bash tools/quickstart.sh',
        'commit': 'abc', 'date': '2026-01-01', 'machine': 'm', 'versions': 'v',
        'variants': {'j2': scores}, 'baselines': {'untrained_j2': scores, 'colour': scores},
        'detector': {'AP50': 0.9, 'recall': 0.95}, 'seconds': {'total': 300},
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    for seed in (0, 1):
        (tmp_path / f'{seed}.json').write_text(json.dumps(quickstart(seed)))
    return tmp_path


def test_a_table_is_written_between_its_marks(folder):
    text = update(PAGE.format('0.json'), folder)
    assert '| J2 | 50.0 | 60.0 | 50.0 | 60.0 |' in text
    assert '| untrained J2 |' in text
    assert 'old' not in text
    assert text.startswith('# Title')
    assert text.endswith('Text.\n')
    assert update(text, folder) == text
    assert files_of(text) == ['0.json']


def test_seeds_stand_side_by_side(folder):
    text = update(PAGE.format('0.json 1.json'), folder)
    assert '| J2 | 50.0 | 60.0 | 60.0 | 60.0 | 50.0 | 60.0 | 60.0 | 60.0 |' in text
    assert 'mAP, seed 0 | mAP, seed 1' in text


@pytest.mark.parametrize('content', [None, '[', '{}', '{"table": "other"}'])
def test_other_files_are_refused(folder, content):
    if content:
        (folder / 'other.json').write_text(content)
    with pytest.raises(DataError, match='no file of results'):
        update(PAGE.format('other.json'), folder)
