from types import SimpleNamespace

import pytest
from mmengine.hooks import CheckpointHook, EarlyStoppingHook, IterTimerHook

from mmps.engine.checks import check_amp, check_watched, reid_lr_factor
from mmps.structures import ConfigError
from mmps.testing.runs import tiny_run, train


@pytest.mark.parametrize(
    ('scaling', 'batch', 'factor'),
    [(None, 128, 1), ({'enable': False, 'base_batch_size': 10}, 64, 1),
     ({'enable': True, 'reid_base_batch_size': 128}, 64, 0.5)],
)  # fmt: skip
def test_phase_2_is_scaled_by_its_own_batch(scaling, batch, factor):
    assert reid_lr_factor(scaling, batch) == factor


def test_scaling_that_is_silent_about_phase_2_is_told():
    with pytest.raises(
        ConfigError, match=r'set auto_scale_lr.reid_base_batch_size \(the paper: 32 id'
    ):
        reid_lr_factor({'enable': True, 'base_batch_size': 10}, 128)


AMP = {'type': 'AmpOptimWrapper'}


@pytest.mark.parametrize('wrappers', [(AMP, {}), ({'type': 'OptimWrapper'}, AMP)])
def test_mixed_precision_without_a_gpu_is_told(monkeypatch, wrappers):
    for device in ('cuda', 'npu', 'mlu', 'musa'):
        monkeypatch.setattr(f'mmps.engine.checks.is_{device}_available', lambda: False)
    with pytest.raises(ConfigError, match=r'mixed precision .* needs a GPU, and there is none'):
        check_amp(*wrappers)
    monkeypatch.setattr('mmps.engine.checks.is_cuda_available', lambda: True)
    check_amp(*wrappers)


def test_a_watched_number_that_is_not_reported_is_told():
    hooks = [IterTimerHook(), CheckpointHook(save_best=['mAP', 'det/AP'], rule='greater')]
    check_watched(hooks, {'mAP': 1.0, 'det/AP': 1.0})
    check_watched(hooks, {})
    auto = CheckpointHook(save_best='auto')  # allowed where phase 1 is not validated
    check_watched([CheckpointHook(), auto], {'g100/mAP': 1.0, 'det/AP': 1.0})
    with pytest.raises(ConfigError, match=r"CheckpointHook watches 'mAP', .* one of det/AP, top1"):
        check_watched(hooks, {'top1': 1.0, 'det/AP': 1.0})
    with pytest.raises(ConfigError, match="EarlyStoppingHook watches 'x', which"):
        check_watched([EarlyStoppingHook('x', rule='greater')], {'top1': 1.0})


STOPPING = {'type': 'EarlyStoppingHook', 'monitor': 'mAP'}


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'default_hooks__checkpoint__save_optimizer': False}, 'optimizer'),
        ({'default_hooks__checkpoint__out_dir': 'x'}, 'out_dir'),
        ({'default_hooks__checkpoint__filename_tmpl': 'e{}.pth'}, 'epoch_\\*.pth'),
        (
            {'default_hooks__checkpoint__save_best': 'mAP', 'train_cfg__val_interval': 2},
            "save_best='mAP'.*val_begin=3",
        ),
        (
            {
                'default_hooks__checkpoint__save_best': 'mAP',
                'train_cfg__dynamic_intervals': [(2, 1), (4, 100)],
            },
            "save_best='mAP'.*phase 1",
        ),
        (
            {'default_hooks__checkpoint__save_best': 'auto', 'train_cfg__val_interval': 2},
            "save_best='auto'.*val_begin=3, .*rule='greater'",
        ),
        (
            {'custom_hooks': [STOPPING], 'train_cfg__val_interval': 1},
            r"monitor='mAP'.*end the run",
        ),
        (
            {'custom_hooks': [{**STOPPING, 'monitor': 'det/AP', 'rule': 'greater'}]},
            'or on the detector',
        ),
        ({'auto_scale_lr': {'enable': True, 'base_batch_size': 6}}, 'reid_base_batch_size'),
        ({'compile': True}, 'compile'),
        ({'resume': True, 'default_hooks__two_phase__start': 'reid'}, 'nothing to resume'),
    ],
)
def test_what_cannot_be_resumed_or_watched_is_told_at_the_start(
    drawn_once, tmp_path, changes, message
):
    with pytest.raises(ConfigError, match=message):
        train(tiny_run(drawn_once, tmp_path, **changes))
    assert not list(tmp_path.glob('epoch_*.pth'))


@pytest.mark.slow
@pytest.mark.parametrize(
    ('best', 'validation', 'kept'),
    [
        ({'save_best': 'det/AP', 'rule': 'greater'}, {'val_interval': 1}, 'best_det_AP_epoch_*'),
        ({'save_best': 'auto'}, {'val_interval': 1, 'val_begin': 3}, 'best_mAP_epoch_*'),
    ],
)
def test_the_cures_of_the_message_work(drawn_once, tmp_path, best, validation, kept):
    config = tiny_run(drawn_once, tmp_path)
    config.default_hooks.checkpoint.update(best)
    config.train_cfg.update(validation)
    train(config)
    assert [path.match(kept) for path in tmp_path.glob('best_*')] == [True]


@pytest.mark.parametrize('best', ['mAP', 'auto'])
def test_validation_after_phase_1_may_be_watched(best):
    from mmps.engine import checks

    hook = CheckpointHook(save_best=best, rule='greater')
    metric = type('PersonSearchMetric', (), {})()
    runner = SimpleNamespace(
        val_loop=SimpleNamespace(evaluator=SimpleNamespace(metrics=[metric])),
        train_loop=SimpleNamespace(
            val_begin=1, dynamic_milestones=[0, 5], dynamic_intervals=[2, 100]
        ),
    )
    phases = SimpleNamespace(detection_epochs=2, start='detection')
    with pytest.raises(ConfigError, match='val_begin=3'):
        checks._check_best(runner, phases, hook)
    for changes in (
        {'val_begin': 3},
        {'dynamic_intervals': [3, 100]},
        {'dynamic_milestones': [0, 3]},
    ):
        original = dict(vars(runner.train_loop))
        vars(runner.train_loop).update(changes)
        checks._check_best(runner, phases, hook)
        vars(runner.train_loop).update(original)
    phases.start = 'reid'
    checks._check_best(runner, phases, hook)
