"""What ranks must agree on: statistics, losses' tables, the detector behind the cache, draws."""

import pytest
import torch
from mmengine.runner import Runner

from mmps.engine.hooks import TwoPhaseHook
from mmps.testing.ranks import run_ranks
from mmps.testing.runs import tiny_run, train

WORKER = """
    from mmengine.hooks import EMAHook
    from mmps.testing import table_loss
    from mmps.testing.runs import tiny_run, train


    def work():
        wrapper = {'type': 'MMDistributedDataParallel', 'device_ids': None,
                   'broadcast_buffers': False}
        config = tiny_run(
            f'{folder}/data', folder, launcher='pytorch', model_wrapper_cfg=wrapper,
            custom_hooks=[{'type': 'EMAHook', 'momentum': 0.3}],
            default_hooks__two_phase__batches__identities=2,
            randomness={'seed': 7, 'diff_rank_seed': True},
            cached_people__all_boxes=True,
        )
        table = {'type': 'TableLoss', 'num_ids': 'auto', 'embedding_channels': 'auto'}
        config.default_hooks.two_phase.stages = [{'epochs': e, 'loss': table} for e in (1, 2)]
        runner = train(config)
        (average,) = [hook.ema_model for hook in runner.hooks if isinstance(hook, EMAHook)]
        sampler = runner.train_dataloader.batch_sampler
        ids = runner.train_dataloader.dataset.person_ids
        state = {
            'model': runner.model.module.state_dict(),
            'average': average.module.state_dict(),
            'drawn': [sorted({int(ids[i]) for i in batch} - {-1}) for batch in sampler],
            'seed': runner.seed,
        }
        torch.save(state, f'{folder}/rank_{rank}.pth')
"""


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason='torch without distribution')
def test_averaged_detectors_with_trained_statistics_agree_on_cache_and_draws(drawn_once, tmp_path):
    (tmp_path / 'data').symlink_to(drawn_once)
    run_ranks(WORKER, tmp_path, 2)
    first, second = (torch.load(tmp_path / f'rank_{rank}.pth') for rank in range(2))
    for part in ('model', 'average'):
        a, b = first[part], second[part]
        assert a.keys() == b.keys()
        assert not [key for key in a if not torch.equal(a[key], b[key])]
    assert len(list((tmp_path / 'feature_cache').iterdir())) == 1
    start, end = (torch.load(tmp_path / f'epoch_{e}.pth')['state_dict'] for e in (2, 5))
    moved = {key for key in start if not torch.equal(start[key], end[key])}
    assert any('running_var' in key for key in moved)
    assert {
        f'reid_branch.head.losses.{n}.{part}' for n in (0, 1) for part in ('scale', 'table')
    } <= moved
    assert all(key.startswith('reid_branch.') for key in moved)
    assert (first['seed'], second['seed']) == (7, 8)
    *pairs, last = zip(first['drawn'], second['drawn'], strict=True)
    drawn = [
        *(identity for pair in pairs for ids in pair for identity in ids),
        *set(last[0] + last[1]),
    ]
    assert sorted(drawn) == list(range(len(drawn)))


def test_both_samplers_draw_by_the_seed_that_ranks_have_in_common(
    drawn_once, tmp_path, monkeypatch
):
    def stop(loop):
        raise KeyboardInterrupt

    monkeypatch.setattr('mmengine.runner.loops.EpochBasedTrainLoop.run_epoch', stop)
    for place in ('mmengine.runner.utils', 'mmps.engine.reproducible'):
        monkeypatch.setattr(f'{place}.get_rank', lambda: 1)
    randomness = {'seed': 7, 'diff_rank_seed': True}
    runner = Runner.from_cfg(tiny_run(drawn_once, tmp_path, randomness=randomness))
    with pytest.raises(KeyboardInterrupt):
        runner.train()
    (hook,) = (hook for hook in runner.hooks if isinstance(hook, TwoPhaseHook))
    assert runner.seed == 8
    assert hook.sampler.seed == 7
    assert runner.train_dataloader.sampler.seed == 7


def test_statistics_of_the_frozen_detector_are_not_averaged_in_phase_2(
    drawn_once, tmp_path, monkeypatch
):
    def move(buffers, op):
        assert op == 'mean'
        for buffer in buffers:
            buffer.add_(1)

    monkeypatch.setattr('mmps.engine.batch_statistics.all_reduce_params', move)
    runner = train(tiny_run(drawn_once, tmp_path))
    final = runner.model.state_dict()
    start, before, last = (torch.load(tmp_path / f'epoch_{e}.pth')['state_dict'] for e in (2, 4, 5))
    counts = [key for key in start if key.endswith('num_batches_tracked')]
    detector = [key for key in counts if key.startswith('detector.')]
    branch = [key for key in counts if key.startswith('reid_branch.')]
    assert detector
    assert branch
    for key in start:
        if key.startswith('detector.'):
            assert torch.equal(final[key], start[key]), key
    batches = len(runner.train_dataloader)
    assert all(last[key] == before[key] + batches + 1 for key in branch)
