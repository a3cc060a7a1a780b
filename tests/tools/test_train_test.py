import json
import re
import subprocess
import sys
from pathlib import Path

import mmdet
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmps.registry import METRICS, MODELS
from mmps.testing.runs import tiny_run

ROOT = Path(__file__).parents[2]
MMDET_TOOLS = Path(mmdet.__file__).parent / '.mim' / 'tools'


@pytest.fixture
def run(run_tool, monkeypatch):
    """Run a tool where configs are named by their path in the checkout."""
    monkeypatch.chdir(ROOT)
    return run_tool


def toy_options(root, epochs=1):
    """Options that make the quickstart's J3 small."""
    loaded = [*(f'{part}_dataloader' for part in ('train', 'val', 'test')), 'cached_people']
    return [
        '--cfg-options',
        *(f'{part}.dataset.data_root={root}' for part in loaded),
        *(f'{p}_evaluator.protocol.gallery_sizes=[50]' for p in ('val', 'test')),
        f'default_hooks.two_phase.detection_epochs={epochs}',
        'default_hooks.two_phase.stages.0.epochs=1',
        'default_hooks.two_phase.stages.1.epochs=1',
        f'train_cfg.max_epochs={epochs + 2}',
    ]


CONFIG = 'configs/toy/joint-j3_retinanet_r18_fpn_synthetic.py'


def start(script, *arguments):
    """Run a tool in a process of its own, which nobody told of mmps."""
    command = list(map(str, [sys.executable, script, *arguments]))
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize('tools', [MMDET_TOOLS, ROOT / 'tools'], ids=['mmdet', 'mmps'])
def test_the_quickstarts_config_runs_unchanged_with_either_packages_tools(
    run, drawn_once, tmp_path, tools
):
    by = start if tools == MMDET_TOOLS else run
    options = toy_options(drawn_once)
    for script, *arguments in (
        ('train.py', CONFIG, '--work-dir', tmp_path / 'run'),
        ('test.py', CONFIG, tmp_path / 'run' / 'epoch_3.pth', '--work-dir', tmp_path / 'test'),
    ):
        done = by(tools / script, *arguments, *options)
        assert done.returncode == 0, done.stderr[-3000:]
        assert 'Failed to search registry' not in done.stderr
    (report,) = (tmp_path / 'test').glob('*/*.json')
    metrics = json.loads(report.read_text())
    assert {'g50/mAP', 'gt/g50/top1', 'det/AP'} <= metrics.keys()


@pytest.mark.slow
def test_predictions_are_written_and_scored_alike(run, drawn_set, tmp_path):
    config = tiny_run(drawn_set, tmp_path / 'run')
    config.dump(tmp_path / 'config.py')
    runner = Runner.from_cfg(config)
    torch.save({'state_dict': runner.model.state_dict()}, tmp_path / 'start.pth')
    out = tmp_path / 'predictions.npz'
    done = run(ROOT / 'tools/test.py', tmp_path / 'config.py', tmp_path / 'start.pth', '--out', out,
               '--work-dir', tmp_path / 'test')  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    content = json.loads((drawn_set / 'mmps' / 'test.json').read_text())
    with np.load(out, allow_pickle=False) as arrays:
        assert arrays['query_embeddings'].shape == (len(content['queries']), 8)
        assert arrays['gt_embeddings'].shape == (len(content['annotations']), 8)
        assert arrays['bboxes'].shape == (len(arrays['image_ids']), 4)
    (report,) = (tmp_path / 'test').glob('*/*.json')
    expected = json.loads(report.read_text())
    options = ['--protocol', 'generic', '--gt-boxes', '--out', tmp_path / 'metrics.json']
    script = ROOT / 'tools/analysis_tools/eval_predictions.py'
    done = run(script, drawn_set / 'mmps' / 'test.json', out, *options)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((tmp_path / 'metrics.json').read_text())
    for key in ('mAP', 'top1', 'gt/mAP', 'det/recall', 'det/AP'):
        assert found[key] == pytest.approx(expected[key], abs=1e-9)


@pytest.mark.slow
def test_what_cannot_be_evaluated_is_told_after_a_test_in_one_sentence(run, drawn_set, tmp_path):
    config = tiny_run(drawn_set, tmp_path / 'run')
    config.test_evaluator.protocol = {'type': 'mmps.CUHKSYSUProtocol', 'gallery_sizes': [4000]}
    config.dump(tmp_path / 'config.py')
    model = Runner.from_cfg(config).model
    torch.save({'state_dict': model.state_dict()}, tmp_path / 'start.pth')
    done = run(ROOT / 'tools/test.py', tmp_path / 'config.py', tmp_path / 'start.pth',
               '--work-dir', tmp_path / 'test')  # fmt: skip
    assert done.returncode == 2, done.stderr[-3000:]
    assert 'Traceback' not in done.stderr
    line = done.stderr.splitlines()[-1]
    assert re.match(r'error: .*galleries_4000\.npz does not exist; galleries there: \d', line)


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['configs/none.py'], 'configs/none.py does not exist; the configs lie in configs/'),
        ([CONFIG, '--cfg-options', 'train_cfg.max_epoch=3'], "'max_epoch'; did you mean 'max_epoc"),
        ([CONFIG, '--cfg-options', 'optim_wraper.type=X'], "did you mean 'optim_wrapper'?"),
        ([CONFIG, '--resume', 'none.pth'], '--resume none.pth: no such file'),
        ([CONFIG, '--cfg-options', 'load_from=typo.pth'], 'typo.pth does not exist; give a check'),
        (
            [CONFIG, '--cfg-options', 'train_dataloader.dataset.data_root=/nowhere/'],
            'does not exist: convert the data set first',
        ),
    ],
)
def test_wrong_input_ends_in_one_sentence(run, tmp_path, arguments, sentence):
    done = run(ROOT / 'tools/train.py', *arguments, '--work-dir', tmp_path)
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith('error: ')]
    assert sentence in line
    assert 'Traceback' not in done.stderr


def test_training_on_a_set_of_which_nothing_is_left_ends_in_one_sentence(run, drawn_set, tmp_path):
    path = drawn_set / 'mmps/train.json'
    content = json.loads(path.read_text())
    for annotation in content['annotations']:
        annotation['bbox'] = [0.2, 0.1, 0.3, 0.8]
    path.write_text(json.dumps(content))
    options = toy_options(drawn_set)
    done = run(ROOT / 'tools/train.py', CONFIG, '--work-dir', tmp_path / 'run', *options)
    assert done.returncode == 2
    assert 'Traceback' not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith('error: ')]
    assert all(word in line for word in ('train.json', 'leaves none of its', 'under one pixel',
                                         'fractions of the image size'))  # fmt: skip


def test_people_in_one_camera_alone_are_told_before_training(run, drawn_set, tmp_path):
    path = drawn_set / 'mmps/test.json'
    content = json.loads(path.read_text())
    for record in content['images'] + content['queries']:
        record['camera_id'] = 5
    path.write_text(json.dumps(content))
    config = tiny_run(drawn_set, tmp_path / 'run', val_evaluator__protocol__cross_camera=True)
    config.dump(tmp_path / 'config.py')
    done = run(ROOT / 'tools/train.py', tmp_path / 'config.py', '--work-dir', tmp_path / 'run')
    assert done.returncode == 2, done.stderr[-3000:]
    assert 'camera 5 only' in done.stderr.splitlines()[-1]
    assert not list((tmp_path / 'run').rglob('*.pth'))


def test_a_config_without_a_test_set_is_told(run, tmp_path):
    torch.save({'a': torch.ones(1)}, tmp_path / 'a.pth')
    config = 'configs/reid_head/crop-reid_r18_synthetic.py'
    done = run(ROOT / 'tools/test.py', config, tmp_path / 'a.pth', '--work-dir', tmp_path)
    assert done.returncode == 2
    assert 'Traceback' not in done.stderr
    sentence = f'error: {config} has nothing to test on: set test_dataloader, test_evaluator'
    assert sentence in done.stderr.splitlines()[-1]


def test_a_misspelt_key_of_a_config_file_is_told(run, tmp_path):
    (tmp_path / 'config.py').write_text('model = dict()\noptim_wraper = dict()\n')
    done = run(ROOT / 'tools/train.py', tmp_path / 'config.py', '--work-dir', tmp_path)
    assert done.returncode == 2
    assert "unknown key 'optim_wraper'; did you mean 'optim_wrapper'?" in done.stderr


@pytest.mark.slow
def test_an_image_that_breaks_in_training_is_named_and_checkpoints_stay(run, drawn_set, tmp_path):
    config = tiny_run(drawn_set, tmp_path / 'run')
    config.train_dataloader.num_workers = 1
    config.default_hooks.two_phase.detection_epochs = 2
    config.dump(tmp_path / 'config.py')
    content = json.loads((drawn_set / 'mmps' / 'train.json').read_text())
    broken = drawn_set / content['images'][3]['file_name']
    broken.write_bytes(b'\xff\xd8 no image')
    done = run(ROOT / 'tools/train.py', tmp_path / 'config.py', '--work-dir', tmp_path / 'run')
    assert done.returncode == 2
    assert f'{broken.name} is no readable image' in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith('error: ')


@pytest.mark.slow
def test_a_box_outside_its_image_is_told_on_the_console_and_left_out_of_both_phases(
    run, drawn_set, tmp_path
):
    path = drawn_set / 'mmps' / 'train.json'
    content = json.loads(path.read_text())
    labelled = next(a for a in content['annotations'] if a['person_id'] >= 0)
    labelled['bbox'] = [-50, 10, 40, 80]
    path.write_text(json.dumps(content))
    config = tiny_run(drawn_set, tmp_path / 'run', log_level='INFO')
    config.dump(tmp_path / 'config.py')
    done = run(ROOT / 'tools/train.py', tmp_path / 'config.py', '--work-dir', tmp_path / 'run')
    assert done.returncode == 0, done.stderr[-3000:]
    console = done.stdout + done.stderr
    (told,) = [line for line in console.splitlines() if 'left out of training' in line]
    assert f'WARNING - {path}: left out of training: 1 boxes' in told
    names = {image['id']: image['file_name'] for image in content['images']}
    assert names[labelled['image_id']] in told
    people = sum(a['person_id'] >= 0 for a in content['annotations'])
    assert f'identities, {people - 1} boxes, ' in console


def test_parts_build_in_a_plain_mmdet_scope(drawn_once):
    init_default_scope('mmdet')
    from mmdet.registry import METRICS as MMDET_METRICS
    from mmdet.registry import MODELS as MMDET_MODELS

    for registry in (MMDET_MODELS, MODELS):
        head = registry.build({'type': 'mmps.TripletReIDHead', 'in_channels': 4})
        assert head.triplet_loss.margin == 0.3
        for name in ('BatchHardTripletLoss', 'SemiHardTripletLoss'):
            assert registry.build({'type': f'mmps.{name}'}).distance_name == 'euclidean'
    metric = Config(tiny_run(drawn_once, 'unused').test_evaluator)
    for registry in (MMDET_METRICS, METRICS):
        assert type(registry.build(metric._cfg_dict)).__name__ == 'PersonSearchMetric'
