"""What must work in both phases: averages, clipping, scaling, workers, seeds."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.hooks import IterTimerHook

from mmps.features import weights_digest
from mmps.registry import MODELS
from mmps.structures import ConfigError
from mmps.testing.runs import tiny_run, train

pytestmark = pytest.mark.slow


def scalars(work_dir):
    (path,) = Path(work_dir).glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in path.read_text().splitlines()]


def states(work_dir, *epochs):
    return [torch.load(work_dir / f'epoch_{epoch}.pth') for epoch in epochs]


def resumed(data, work_dir, target, last, **changes):
    """Weights of a run that goes on from another run's checkpoint."""
    target.mkdir()
    shutil.copy(work_dir / f'epoch_{last}.pth', target)
    runner = train(tiny_run(data, target, resume=True, **changes))
    return runner.model.state_dict()


def assert_equal(a, b):
    assert not [key for key in a if not torch.equal(a[key], b[key])]


def test_features_come_from_the_average_and_the_branch_has_its_own(drawn_once, tmp_path):
    changes = {'custom_hooks': [{'type': 'EMAHook', 'momentum': 0.3}]}
    runner = train(tiny_run(drawn_once, tmp_path / 'whole', **changes))
    before, after, last = states(tmp_path / 'whole', 2, 3, 5)
    average = before['state_dict']
    key = 'detector.bbox_head.retina_cls.weight'
    assert not torch.equal(average[key], before['ema_state_dict'][f'module.{key}'])
    for state in (after['state_dict'], last['state_dict']):
        detector = {k for k in state if k.startswith('detector.')}
        assert_equal({k: average[k] for k in detector}, state)

    model = MODELS.build(tiny_run(drawn_once, 'unused').model)
    model.load_state_dict(average)
    (header,) = (tmp_path / 'whole' / 'feature_cache').glob('*/header.json')
    digest = json.loads(header.read_text())['model']['weights']
    assert digest == weights_digest(model.detector.backbone)

    batches = len(runner.train_dataloader)
    assert after['ema_state_dict']['steps'] == batches
    assert last['ema_state_dict']['steps'] == 3 * batches
    final = last['state_dict']
    for epoch in (2, 3, 4):
        target = tmp_path / f'from_{epoch}'
        resumed(drawn_once, tmp_path / 'whole', target, epoch, **changes)
        assert_equal(final, states(target, 5)[0]['state_dict'])


def test_gradients_are_clipped_in_phase_2_if_so_configured(drawn_once, tmp_path):
    changes = {'default_hooks__two_phase__optim_wrapper__clip_grad': {'max_norm': 1e-9}}
    train(tiny_run(drawn_once, tmp_path, **changes))
    trained = [line for line in scalars(tmp_path) if 'loss' in line]
    assert all('grad_norm' in line for line in trained)
    first, last = (s['state_dict'] for s in states(tmp_path, 3, 5))
    # Adam takes no notice of a gradient's size, until it is as small as its epsilon.
    key = 'reid_branch.head.embedding.weight'
    assert 0 < (first[key] - last[key]).abs().max() < 1e-3


def test_learning_rates_of_both_phases_are_scaled(drawn_once, tmp_path):
    scaling = {'enable': True, 'base_batch_size': 12, 'reid_base_batch_size': 24}
    train(tiny_run(drawn_once, tmp_path / 'whole', auto_scale_lr=scaling))
    log = scalars(tmp_path / 'whole')
    assert next(x['lr'] for x in log if x['epoch'] == 1) == pytest.approx(0.01 * 6 / 12)
    assert next(x['lr'] for x in log if x['epoch'] == 3) == pytest.approx(1e-3 * 6 / 24)
    (final,) = states(tmp_path / 'whole', 5)
    again = resumed(drawn_once, tmp_path / 'whole', tmp_path / 'b', 3, auto_scale_lr=scaling)
    assert_equal(final['state_dict'], again)


@pytest.mark.parametrize('persistent', [False, True])
def test_workers_draw_the_same_after_a_resume(drawn_once, tmp_path, persistent):
    changes = {
        'train_dataloader__num_workers': 2,
        'train_dataloader__persistent_workers': persistent,
        'cached_people__num_workers': 2,
    }
    train(tiny_run(drawn_once, tmp_path / 'whole', **changes))
    (final,) = states(tmp_path / 'whole', 5)
    again = resumed(drawn_once, tmp_path / 'whole', tmp_path / 'b', 1, **changes)
    assert_equal(final['state_dict'], again)


@pytest.mark.parametrize('batches', [None, 'AspectRatioBatchSampler'])
def test_a_run_without_a_seed_goes_on_with_the_seed_it_drew(drawn_once, tmp_path, batches):
    changes = {'randomness': {'seed': None}}
    if batches:
        changes['train_dataloader__batch_sampler'] = {'type': batches}
    train(tiny_run(drawn_once, tmp_path / 'whole', **changes))
    (final,) = states(tmp_path / 'whole', 5)
    again = resumed(drawn_once, tmp_path / 'whole', tmp_path / 'b', 1, **changes)
    assert_equal(final['state_dict'], again)


def test_workers_that_are_to_persist_are_told(drawn_once, tmp_path, capsys, monkeypatch):
    def stop(loop):
        raise KeyboardInterrupt

    monkeypatch.setattr('mmengine.runner.loops.EpochBasedTrainLoop.run_epoch', stop)
    loading = {'train_dataloader__num_workers': 1, 'train_dataloader__persistent_workers': True}
    with pytest.raises(KeyboardInterrupt):
        train(tiny_run(drawn_once, tmp_path, log_level='WARNING', **loading))
    assert 'persistent_workers=True has no effect with TwoPhaseHook' in capsys.readouterr().out


def test_the_time_left_counts_the_phase_that_runs(drawn_once, tmp_path):
    runner = train(tiny_run(drawn_once, tmp_path))
    (timer,) = (hook for hook in runner.hooks if isinstance(hook, IterTimerHook))
    detection = sum('loss_bbox' in line for line in scalars(tmp_path))
    assert timer.start_iter == detection
    assert runner.message_hub.get_info('eta') == 0


def test_resuming_with_nothing_there_starts_anew(drawn_once, tmp_path, mm_log):
    torn = tmp_path / 'b'
    torn.mkdir()
    (torn / 'epoch_1.pth').write_bytes(b'PK torn')
    (torn / 'last_checkpoint').write_text(str(torn / 'epoch_1.pth'))
    again = train(tiny_run(drawn_once, torn, resume=True, log_level='WARNING'))
    train(tiny_run(drawn_once, tmp_path / 'whole'))
    (final,) = states(tmp_path / 'whole', 5)
    assert_equal(final['state_dict'], again.model.state_dict())


def test_a_named_checkpoint_that_is_torn_is_told(drawn_once, tmp_path):
    torn = tmp_path / 'epoch_1.pth'
    torn.write_bytes(b'PK torn')
    with pytest.raises(ConfigError, match=r'epoch_1.pth was cut short .*: resume without naming'):
        train(tiny_run(drawn_once, tmp_path, resume=True, load_from=str(torn)))
