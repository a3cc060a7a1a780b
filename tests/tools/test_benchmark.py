from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from mmengine.config import Config
from PIL import Image

from mmps.benchmarks import full_size
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


@pytest.fixture
def baseline(tmp_path):
    branch = {'pooling': {'output_size': (32, 16)}, 'head': {'embedding_channels': 8}}
    model = {'type': 'mmps.DisjointDetector', 'detector': tiny_detector(), 'reid_branch': branch}
    Config({'model': model}).dump(tmp_path / 'baseline.py')
    return tmp_path / 'baseline.py'


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


def test_training_stands_in_tables_of_its_own(main, config, baseline, tmp_path, monkeypatch):
    for name, value in (('CUHK_IMAGES', 60), ('CUHK_QUERIES', 8), ('CUHK_BOXES', 90)):
        monkeypatch.setattr(full_size, name, value)
    options = ['--training', '--no-inference', '--size', '96', '--repeats', '2', '--images', '3']
    options += ['--identities', '3', '--gallery-size', '20', '--variants', f'J3={config}']
    assert main([*options, f'J4={config}', f'D={baseline}', '--out-dir', str(tmp_path)]) == 0
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
    'option',
    [
        ['--amp'],
        ['--no-fuse-conv-bn'],
        ['--chunks', 'J3=1'],
    ],
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
        (['--chunks', 'J9=3'], "--chunks names 'J9', which is not one of the variants J2, J3, J4"),
        (
            ['--training', '--no-inference', '--variants', 'Disj.=none.py'],
            'none.py does not exist; name a config',
        ),
        (['--variants', 'J3=README.md'], 'README.md has no model; name a config'),
        (['--variants', 'J3=configs/_base_/default_runtime.py'], 'has no model; name a config'),
        (['--device', 'cuda:77', '--no-inference'], '--device cuda:77 cannot be used'),
        (['--training', '--variants', 'B=DISJOINT'], '--training needs a variant with a shared'),
        (['--variants', 'J3=configs/detectors/joint-j3_fcos_r50_fpn_c.py'], 'J3 has a FCOS: infer'),
    ],
)
def test_wrong_input_ends_in_one_sentence(main, options, sentence, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(PATH.parents[2])
    baseline = 'configs/disjoint/disjoint_retinanet_r50_fpn_c.py'
    options = [option.replace('DISJOINT', baseline) for option in options]
    assert main([*options, '--out-dir', str(tmp_path / 'out')]) == 2
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.glob('out/*'))


def test_a_folder_that_cannot_be_made_is_named_before_any_work(main, config, tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    assert main(['--variants', f'J3={config}', '--out-dir', str(tmp_path / 'file')]) == 2
    told = capsys.readouterr()
    assert f"File exists: '{tmp_path / 'file'}'" in told.err
    assert 'Traceback' not in told.err
    assert not told.out


def test_numbers_from_zero(main, capsys):
    with pytest.raises(SystemExit):
        main(['--warm-up', '-5'])
    assert '-5 must be at least 0' in capsys.readouterr().err


def test_numbers_from_one(main, capsys):
    with pytest.raises(SystemExit):
        main(['--people', '0'])
    assert '0 must be at least 1' in capsys.readouterr().err
