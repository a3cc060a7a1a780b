from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from mmengine.config import Config
from PIL import Image

from mmps.testing import full_size
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
    assert main([*options, *variants, '--out-dir', str(out)]) == 0
    result = json.loads((out / 'benchmark.json').read_text())
    assert len(result['cells']) == 8
    assert len(result['marginal']) == 4
    assert set(result['overhead']) == {'J3', 'Disj.'}
    assert result['gflops']['J3'] == result['gflops']['Disj.']
    assert result['peak_memory_mib'] > 0
    assert (out / 'benchmark.md').read_text() in capsys.readouterr().out
    assert result['training'] == {}
    with Image.open(out / 'benchmark.png') as picture:
        assert picture.width > 600


def test_training_stands_in_tables_of_its_own(main, config, tmp_path, monkeypatch):
    for name, value in (('CUHK_IMAGES', 60), ('CUHK_QUERIES', 8), ('CUHK_BOXES', 90)):
        monkeypatch.setattr(full_size, name, value)
    options = ['--training', '--no-inference', '--size', '96', '--repeats', '2', '--images', '3']
    options += ['--identities', '3', '--gallery-size', '20', '--variants', f'J3={config}']
    assert main([*options, f'J4={config}', f'Disj.={config}', '--out-dir', str(tmp_path)]) == 0
    result = json.loads((tmp_path / 'benchmark.json').read_text())
    assert result['cells'] == []
    training = result['training']
    assert [row['variant'] for row in training['cache']] == ['J3', 'J4']
    assert [row['variant'] for row in training['reid']] == ['J3', 'J4']
    rates = training['detection']['steps_per_second']
    assert training['detection']['ratio']['median'] > 0
    assert set(rates) == {'ours', 'plain mmdet'}
    text = (tmp_path / 'benchmark.md').read_text()
    heads = [
        line for line in text.splitlines() if line.startswith(('| training', '| writing', '| ev'))
    ]
    assert len(heads) == 4
    assert not (tmp_path / 'benchmark.png').exists()


@pytest.mark.parametrize(
    'option', [['--amp'], ['--channels-last'], ['--channels-last', 'J3'], ['--no-fuse-conv-bn']]
)
def test_options_run_through(main, config, tmp_path, option):
    amounts = ['--size', '128', '--repeats', '1', '--batches', '1', '--people', '2']
    variants = ['--variants', f'J3={config}', f'Disj.={config}']
    assert main([*amounts, *variants, '--out-dir', str(tmp_path), *option]) == 0
    shares = json.loads((tmp_path / 'benchmark.json').read_text())['overhead']['J3']['shares']
    assert list(shares) == ['trunk', 'FPN and head', 'NMS', 'pooling', 'stages', 'embedding']


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        (['--variants', 'J3'], 'J3 must have the form NAME=VALUE'),
        (['--variants', 'J3=none.py'], 'none.py does not exist; name a config'),
        (['--chunks', 'J9=3'], "--chunks names 'J9', which is none of the variants J2, J3, J4"),
        (
            ['--training', '--no-inference', '--variants', 'Disj.=none.py'],
            '--training needs a variant with a shared backbone beside Disj.',
        ),
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
