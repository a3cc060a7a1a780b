import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

from mmps.registry import MODELS
from mmps.testing.runs import tiny_run

TOOLS = Path(__file__).parents[2] / 'tools'
GROUP_NORM = {'type': 'GN', 'num_groups': 4}


def run(*command):
    environment = {**os.environ, 'PYTHON': sys.executable}
    command = list(map(str, command))
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return done


@pytest.mark.parametrize(
    ('script', 'arguments'),
    [('dist_train.sh', ['config.py']), ('dist_train.sh', ['config.py', 'two']),
     ('dist_test.sh', ['config.py', 'x.pth']), ('dist_test.sh', ['config.py', 'x.pth', '0'])],
)  # fmt: skip
def test_wrong_arguments_show_the_usage(script, arguments):
    command = ['bash', str(TOOLS / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f'usage: bash tools/{script} CONFIG' in done.stderr


@pytest.mark.parametrize(
    ('script', 'arguments'),
    [('dist_train.sh', ['config.py', '2']), ('dist_test.sh', ['config.py', 'x.pth', '2'])],
)
def test_an_interpreter_without_torch_is_named(tmp_path, script, arguments):
    bare = tmp_path / 'python'
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    command = ['bash', str(TOOLS / script), *arguments]
    environment = {**os.environ, 'PYTHON': str(bare)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2
    assert f'{bare} has no torch: activate the environment' in done.stderr


def phase_2_config(data, work_dir, detector):
    """No layer looks at more than its own sample; of seven identities, the last batch has one."""
    config = tiny_run(data, work_dir, load_from=str(detector), log_level='WARNING')
    config.model.detector.backbone.norm_cfg = GROUP_NORM
    hook = config.default_hooks.two_phase
    hook.start, hook.cache_dtype = 'reid', 'float32'
    config.default_hooks.checkpoint.interval = 5
    hook.batches = {'type': 'mmps.PKBatchSampler', 'identities': 2, 'shots': 2}
    hook.optim_wrapper = {'optimizer': {'type': 'SGD', 'lr': 0.05, 'momentum': 0.9}}
    return config


@pytest.fixture
def detector(drawn_once, tmp_path):
    folder = tmp_path / 'detector'
    folder.mkdir()
    config = phase_2_config(drawn_once, folder, 'unused')
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    model.init_weights()
    torch.save({'meta': {}, 'state_dict': model.state_dict()}, folder / 'start.pth')
    return folder / 'start.pth'


@pytest.mark.slow
def test_two_processes_train_phase_2_as_one_and_evaluate_exactly_alike(
    drawn_once, run_tool, tmp_path, detector
):
    phase_2_config(drawn_once, tmp_path, detector).dump(tmp_path / 'config.py')
    one, two, config = tmp_path / 'one', tmp_path / 'two', tmp_path / 'config.py'
    assert run_tool(TOOLS / 'train.py', config, '--work-dir', one).returncode == 0
    run('bash', TOOLS / 'dist_train.sh', config, 2, '--work-dir', two)
    start = torch.load(detector)['state_dict']
    alone, shared = (torch.load(d / 'epoch_5.pth')['state_dict'] for d in (one, two))
    moved = [key for key in start if not torch.equal(start[key], alone[key])]
    assert len(moved) > 20
    for key in alone:
        torch.testing.assert_close(shared[key], alone[key], atol=2e-5, rtol=2e-4, msg=key)

    checkpoint = one / 'epoch_5.pth'
    outputs = [('--work-dir', d / 'test', '--out', d / 'test.npz') for d in (one, two)]
    assert run_tool(TOOLS / 'test.py', config, checkpoint, *outputs[0]).returncode == 0
    run('bash', TOOLS / 'dist_test.sh', config, checkpoint, 2, *outputs[1])
    predictions = [np.load(folder / 'test.npz') for folder in (one, two)]
    assert predictions[0].keys() == predictions[1].keys()
    for key, values in predictions[0].items():
        np.testing.assert_array_equal(values, predictions[1][key])
    reports = [json.loads(next((d / 'test').glob('*/*.json')).read_text()) for d in (one, two)]
    times = ('time', 'data_time')
    a, b = ({k: v for k, v in report.items() if k not in times} for report in reports)
    # Nearly untrained, people are within 1e-7 of each other: a product's rounding decides ranks.
    assert a == pytest.approx(b, abs=0.01)
    assert 'gt/mAP' in a
