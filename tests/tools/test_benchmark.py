from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from mmengine.config import Config
from PIL import Image

from mmps.testing.builders import tiny_detector

PATH = Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'benchmark.py'


@pytest.fixture(scope='module')
def main():
    spec = importlib.util.spec_from_file_location('benchmark', PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture
def config(tmp_path):
    detector = tiny_detector()
    detector.test_cfg.update(nms_pre=1000, score_thr=0.05)
    branch = {'pooling': {'output_size': (8, 4)}, 'head': {'embedding_channels': 8}}
    model = {'type': 'mmps.SharedBackboneDetector', 'detector': detector, 'reid_branch': branch}
    Config({'model': model}).dump(tmp_path / 'tiny.py')
    return tmp_path / 'tiny.py'


def test_one_command_writes_table_json_and_plot(main, config, tmp_path, capsys):
    out = tmp_path / 'out'
    options = ['--size', '256', '--repeats', '2', '--batches', '1', '2', '--people', '2', '5']
    variants = ['--variants', f'J3={config}', f'Disj.={config}', '--metrics', 'J3=0.5']
    assert main([*options, *variants, '--out-dir', str(out), '--fuse-conv-bn']) == 0
    result = json.loads((out / 'benchmark.json').read_text())
    assert len(result['cells']) == 8
    assert len(result['marginal']) == 4
    assert set(result['overhead']) == {'J3', 'Disj.'}
    assert result['gflops']['J3'] == result['gflops']['Disj.']
    assert result['peak_memory_mib'] > 0
    assert (out / 'benchmark.md').read_text() in capsys.readouterr().out
    with Image.open(out / 'benchmark.png') as picture:
        assert picture.width > 600


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        (['--variants', 'J3'], 'J3 must have the form NAME=VALUE'),
        (['--variants', 'J3=none.py'], 'none.py does not exist; name a config'),
    ],
)
def test_wrong_input_ends_in_one_sentence(main, options, sentence, tmp_path, capsys):
    assert main([*options, '--out-dir', str(tmp_path / 'out')]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_numbers_from_one(main, capsys):
    with pytest.raises(SystemExit):
        main(['--people', '0'])
    assert '0 must be at least 1' in capsys.readouterr().err
