"""mmdet's own tools on configs and checkpoints of ours."""

from __future__ import annotations

import time
from pathlib import Path

import mmdet
import pytest
import torch
from mmengine.config import Config

from mmps.structures import ConfigError
from mmps.testing.runs import tiny_run, train

ROOT = Path(__file__).parents[2]
TOOLS = Path(mmdet.__file__).parent / '.mim' / 'tools'
LEAVES = [p for p in (ROOT / 'configs').glob('*/*.py') if p.parent.name != '_base_']

pytestmark = pytest.mark.skipif(not TOOLS.is_dir(), reason='mmdet came without its tools')


@pytest.fixture(scope='module')
def run(drawn_once, tmp_path_factory):
    """Config file and last checkpoint of a tiny run."""
    folder = tmp_path_factory.mktemp('run')
    hooks = {'default_hooks__visualization': {'type': 'DetVisualizationHook'}}
    config = tiny_run(drawn_once, folder / 'train', **hooks)
    train(config)
    config.work_dir = str(folder / 'test')
    config.dump(folder / 'tiny.py')
    return folder / 'tiny.py', folder / 'train' / 'epoch_5.pth'


@pytest.mark.slow
def test_test_draws_and_writes_what_analyze_results_reads(run, run_tool, tmp_path):
    config, weights = run
    results = tmp_path / 'results.pkl'
    shown = ['--show-dir', tmp_path / 'shown', '--out', results]
    done = run_tool(TOOLS / 'test.py', config, weights, *shown)
    assert done.returncode == 0, done.stderr[-2000:]
    tested = len(list((tmp_path / 'shown').rglob('*.jpg')))
    assert tested > 4
    done = run_tool(TOOLS / 'analysis_tools' / 'analyze_results.py', config, results,
                    tmp_path / 'analysed', '--topk', 1)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert {p.parent.name for p in (tmp_path / 'analysed').rglob('*.jpg')} == {'good', 'bad'}


@pytest.mark.slow
def test_our_own_test_draws_where_it_is_told(run, run_tool, tmp_path):
    done = run_tool(ROOT / 'tools' / 'test.py', *run, '--show-dir', tmp_path / 'shown', '--fast')
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(list((tmp_path / 'shown').rglob('*.jpg'))) > 4


@pytest.mark.slow
def test_test_time_augmentation_is_refused_in_a_sentence(run, run_tool):
    with pytest.raises(ConfigError, match=r'pipeline mirrors images .*--tta'):
        run_tool(TOOLS / 'test.py', *run, '--tta')


@pytest.mark.slow
def test_publish_model_takes_checkpoints(run, run_tool, tmp_path):
    done = run_tool(TOOLS / 'model_converters' / 'publish_model.py', run[1], tmp_path / 'slim.pth')
    assert done.returncode == 0, done.stderr[-2000:]
    # mmdet's tool does not wait for its last step, the renaming.
    deadline = time.monotonic() + 60
    while not (published := list(tmp_path.glob('slim-*.pth'))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert torch.load(*published, weights_only=True).keys() == {'meta', 'state_dict'}


def test_every_config_has_what_the_tools_ask_for():
    for path in LEAVES:
        config = Config.fromfile(path)
        if path.parent.name in ('reid_head', 'ready'):
            continue
        assert config.default_hooks.visualization.type == 'DetVisualizationHook'
        assert {'enable', 'base_batch_size'} <= config.auto_scale_lr.keys()
        assert config.auto_scale_lr.base_batch_size == config.train_dataloader.batch_size
        phases = config.default_hooks.get('two_phase')
        boxes = phases and phases.batches.identities * phases.batches.shots
        assert not phases or config.auto_scale_lr.reid_base_batch_size == boxes
