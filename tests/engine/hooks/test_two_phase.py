import json
import shutil
from pathlib import Path

import pytest
import torch

from mmps.apis.configs import resume_from
from mmps.structures import ConfigError
from mmps.testing.runs import tiny_run, train


def weights(runner):
    return {k: v.clone() for k, v in runner.model.state_dict().items()}


def assert_equal(a, b):
    assert a.keys() == b.keys()
    assert not [key for key in a if not torch.equal(a[key], b[key])]


def scalars(work_dir):
    (path,) = Path(work_dir).glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope='module')
def whole(drawn_once, tmp_path_factory):
    """An uninterrupted run: its work directory, final weights and data."""
    work_dir = tmp_path_factory.mktemp('whole')
    runner = train(tiny_run(drawn_once, work_dir))
    return work_dir, weights(runner), drawn_once, runner


def test_both_phases_run_and_train_their_part(whole):
    work_dir, final, _, _ = whole
    states = {
        epoch: torch.load(work_dir / f'epoch_{epoch}.pth')['state_dict'] for epoch in range(1, 6)
    }

    def changed(a, b):
        return {k for k in a if not torch.equal(a[k], b[k])}

    assert changed(states[1], states[2])
    assert all(key.startswith('detector.') for key in changed(states[1], states[2]))
    for before, after in ((2, 3), (3, 4), (4, 5)):
        moved = changed(states[before], states[after])
        assert moved
        assert all(key.startswith('reid_branch.') for key in moved)
    assert_equal(states[5], final)


def test_schedules_and_length_are_right_across_the_switch(whole):
    work_dir, _, _, runner = whole
    log = scalars(work_dir)
    detection = [line for line in log if 'loss_bbox' in line]
    reid = [line for line in log if 'loss_triplet' in line]
    assert {line['epoch'] for line in detection} == {1, 2}
    assert {line['epoch'] for line in reid} == {3, 4, 5}
    assert not any('loss_bbox' in line for line in reid)
    assert next(line['lr'] for line in detection if line['epoch'] == 2) == pytest.approx(0.005)
    per_epoch = [next(x['lr'] for x in reid if x['epoch'] == e) for e in (3, 4, 5)]
    assert per_epoch == pytest.approx([1e-3, 7.5e-4, 2.5e-4])
    assert runner.iter == runner.max_iters == len(detection) + len(reid)


def test_checkpoints_tell_their_phase(whole):
    work_dir, *_ = whole
    phases = [torch.load(work_dir / f'epoch_{e}.pth')['meta']['mmps_phase'] for e in range(1, 6)]
    assert phases == ['detection', 'detection', 'reid', 'reid', 'reid']


def test_checkpoints_tell_how_long_phases_are(whole):
    work_dir, _, _, runner = whole
    plan = torch.load(work_dir / 'epoch_1.pth', weights_only=True)['meta']['mmps_plan']
    reid = len(runner.train_dataloader)
    assert plan == {
        'detection': {'epochs': [2], 'batches': (runner.iter - 3 * reid) // 2},
        'reid': {'epochs': [1, 2], 'batches': reid},
    }


@pytest.mark.parametrize(
    ('last', 'changes', 'message'),
    [
        (1, {'train_dataloader__batch_size': 3}, r'epoch_1.pth.*phase 1 of 2 epochs'),
        (
            4,
            {
                'default_hooks__two_phase__stages': [
                    {'epochs': epochs, 'loss': {'type': 'mmps.BatchHardTripletLoss'}}
                    for epochs in (2, 1)
                ]
            },
            r'1 \+ 2 epochs of 3.*2 \+ 1 epochs of 3',
        ),
        (
            4,
            {'default_hooks__two_phase__batches__identities': 2},
            'epochs of 3 .* epochs of 4',
        ),
    ],
)
def test_a_phase_whose_length_has_changed_is_not_resumed(whole, tmp_path, last, changes, message):
    work_dir, _, data, _ = whole
    shutil.copy(work_dir / f'epoch_{last}.pth', tmp_path)
    with pytest.raises(ConfigError, match=message):
        train(tiny_run(data, tmp_path, resume=True, **changes))


SLOW = pytest.mark.slow


@SLOW
def test_a_finished_phase_1_and_checkpoints_without_lengths_are_resumed(whole, tmp_path):
    work_dir, final, data, _ = whole
    changes = {'resume': True, 'train_dataloader__batch_size': 3}
    shutil.copy(work_dir / 'epoch_2.pth', tmp_path)
    assert_equal(weights(train(tiny_run(data, tmp_path, **changes))), final)
    old = torch.load(work_dir / 'epoch_4.pth')
    del old['meta']['mmps_plan']
    torch.save(old, tmp_path / 'epoch_4.pth')
    (tmp_path / 'last_checkpoint').unlink()
    assert_equal(weights(train(tiny_run(data, tmp_path, resume=True))), final)


@pytest.mark.parametrize(
    'last',
    [pytest.param(1, marks=SLOW), 2, pytest.param(3, marks=SLOW), pytest.param(4, marks=SLOW)],
)
def test_a_run_that_ended_after_any_epoch_goes_on_to_the_same_weights(whole, tmp_path, last):
    work_dir, final, data, _ = whole
    for epoch in range(1, last + 1):
        shutil.copy(work_dir / f'epoch_{epoch}.pth', tmp_path)
    runner = train(tiny_run(data, tmp_path, resume=True))
    assert_equal(weights(runner), final)


@SLOW
def test_a_torn_checkpoint_is_passed_over(whole, tmp_path, mm_log):
    work_dir, final, data, _ = whole
    shutil.copy(work_dir / 'epoch_3.pth', tmp_path)
    torn = (work_dir / 'epoch_4.pth').read_bytes()
    (tmp_path / 'epoch_4.pth').write_bytes(torn[: len(torn) // 2])
    runner = train(tiny_run(data, tmp_path, resume=True, log_level='WARNING'))
    assert_equal(weights(runner), final)


def test_phase_2_alone_on_a_detector_equals_the_whole_run(whole, tmp_path):
    work_dir, final, data, _ = whole
    config = tiny_run(
        data,
        tmp_path,
        load_from=str(work_dir / 'epoch_2.pth'),
        default_hooks__two_phase__start='reid',
        default_hooks__two_phase__cache_dir=str(work_dir / 'feature_cache'),
    )
    runner = train(config)
    assert_equal(weights(runner), final)
    assert not (tmp_path / 'feature_cache').exists()


def test_phase_2_alone_goes_on_from_its_own_checkpoints_only(whole, tmp_path):
    work_dir, final, data, _ = whole
    config = tiny_run(
        data,
        tmp_path,
        load_from=str(work_dir / 'detector.pth'),
        default_hooks__two_phase__start='reid',
        default_hooks__two_phase__cache_dir=str(work_dir / 'feature_cache'),
    )
    shutil.copy(work_dir / 'epoch_1.pth', tmp_path)
    resume_from(config, 'auto')
    assert config.load_from == str(work_dir / 'detector.pth')
    shutil.copy(work_dir / 'epoch_4.pth', tmp_path)
    shutil.copy(work_dir / 'epoch_2.pth', tmp_path)
    resume_from(config, 'auto')
    assert config.load_from == str(tmp_path / 'epoch_4.pth')
    assert_equal(weights(train(config)), final)


@pytest.mark.parametrize('named', [True, False])
def test_phase_2_alone_does_not_resume_phase_1(whole, tmp_path, named):
    work_dir, _, data, _ = whole
    shutil.copy(work_dir / 'epoch_1.pth', tmp_path)
    changes = {'load_from': str(tmp_path / 'epoch_1.pth')} if named else {}
    config = tiny_run(
        data, tmp_path, resume=True, default_hooks__two_phase__start='reid', **changes
    )
    with pytest.raises(ConfigError, match='was saved in phase 1' if named else 'nothing to resume'):
        train(config)


@pytest.mark.parametrize('start', ['detection', 'reid'])
def test_a_downloaded_detector_for_phase_2_alone_is_told(
    drawn_once, tmp_path, capsys, monkeypatch, start
):
    def stop(runner):
        raise KeyboardInterrupt

    monkeypatch.setattr('mmengine.runner.Runner.load_or_resume', stop)
    coco = {'load_from': 'https://example.org/coco.pth', 'log_level': 'WARNING'}
    with pytest.raises(KeyboardInterrupt):
        train(tiny_run(drawn_once, tmp_path, default_hooks__two_phase__start=start, **coco))
    sentence = "start='reid' uses https://example.org/coco.pth of `load_from` as"
    assert (sentence in capsys.readouterr().out) == (start == 'reid')


def test_phase_2_alone_refuses_a_detector_whose_shared_stages_are_not_all_there(whole, tmp_path):
    work_dir, _, data, _ = whole
    weights = torch.load(work_dir / 'detector.pth', weights_only=True)['state_dict']
    part = {name: w for name, w in weights.items() if not name.startswith('backbone.layer2')}
    torch.save({'state_dict': part}, tmp_path / 'part.pth')
    start = {'load_from': str(tmp_path / 'part.pth'), 'default_hooks__two_phase__start': 'reid'}
    with pytest.raises(ConfigError, match='random features: 25 weights'):
        train(tiny_run(data, tmp_path / 'run', **start))


def test_the_detector_of_phase_1_is_kept_as_a_plain_one(whole):
    work_dir, *_, runner = whole
    kept = torch.load(work_dir / 'detector.pth', weights_only=True)['state_dict']
    end = torch.load(work_dir / 'epoch_2.pth')['state_dict']
    assert kept.keys() == runner.model.detector.state_dict().keys()
    assert all(torch.equal(end[f'detector.{key}'], value) for key, value in kept.items())


def test_testing_leaves_the_phases_alone(whole, tmp_path):
    from mmengine.runner import Runner

    work_dir, _, data, _ = whole
    config = tiny_run(data, tmp_path, load_from=str(work_dir / 'epoch_5.pth'))
    metrics = Runner.from_cfg(config).test()
    assert 0 <= metrics['mAP'] <= 1
    assert 0 <= metrics['gt/mAP'] <= 1


@SLOW
def test_fine_tuning_goes_on_from_the_branch_that_was_loaded(whole, tmp_path):
    work_dir, _, data, _ = whole
    changes = {
        'load_from': str(work_dir / 'epoch_5.pth'),
        'default_hooks__two_phase__start': 'reid',
        'default_hooks__two_phase__optim_wrapper__optimizer__lr': 0.0,
        'model__reid_branch__stages__start_from': 'detector',
    }
    runner = train(tiny_run(data, tmp_path, **changes))
    loaded = torch.load(work_dir / 'epoch_5.pth')['state_dict']
    assert all(torch.equal(loaded[n], p) for n, p in runner.model.named_parameters())


@SLOW
def test_fine_tuning_of_both_phases_resumes_with_the_branch_that_was_loaded(whole, tmp_path):
    work_dir, _, data, _ = whole
    changes = {
        'load_from': str(work_dir / 'epoch_5.pth'),
        'model__reid_branch__stages__start_from': 'detector',
    }
    runner = train(tiny_run(data, tmp_path / 'a', **changes))
    (tmp_path / 'b').mkdir()
    shutil.copy(tmp_path / 'a' / 'epoch_1.pth', tmp_path / 'b')
    changes.pop('load_from')
    again = train(tiny_run(data, tmp_path / 'b', resume=True, **changes))
    assert_equal(weights(again), weights(runner))


@SLOW
@pytest.mark.parametrize(('epoch', 'told'), [(2, True), (5, False)])
def test_a_test_of_a_checkpoint_of_phase_1_says_that_its_branch_is_untrained(
    whole, tmp_path, epoch, told
):
    from mmengine.runner import Runner

    work_dir, _, data, _ = whole
    path = str(work_dir / f'epoch_{epoch}.pth')
    Runner.from_cfg(tiny_run(data, tmp_path, load_from=path, log_level='WARNING')).test()
    (log,) = tmp_path.glob('*/*.log')
    assert ('its re-ID branch is untrained' in log.read_text()) == told


@SLOW
def test_validation_of_phase_1_reports_detection_only(drawn_once, tmp_path):
    config = tiny_run(drawn_once, tmp_path, train_cfg__val_interval=1)
    train(config)
    lines = [line for line in scalars(tmp_path) if 'det/AP' in line]
    assert [('mAP' in line) for line in lines] == [False, False, True, True, True]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'train_cfg__max_epochs': 9}, 'max_epochs=9.*add up to 5'),
        ({'default_hooks__two_phase__start': 'reid'}, "start='reid' needs a trained detector"),
        ({'default_hooks__two_phase__start': 'nowhere'}, "start='nowhere'"),
        ({'default_hooks__two_phase__stages': []}, 'stages is empty'),
        ({'default_hooks__checkpoint__by_epoch': False}, 'by_epoch=False'),
        ({'cached_people': None}, 'no `cached_people`'),
        ({'reid_dataloader': {}}, '`reid_dataloader`.*`cached_people`'),
        (
            {'default_hooks__two_phase__cache_dtype': 'int4'},
            "cache_dtype='int4'.*float16.*uint8",
        ),
        (
            {'default_hooks__two_phase__cache_dtype': 'uint8'},
            "cache_dtype='uint8'.*pixels.*SharedBackboneDetector",
        ),
        ({'default_hooks__two_phase__storage': 'tape'}, "storage='tape'"),
        (
            {'default_hooks__two_phase__batches__identities': 0},
            'identities=0.*at least 1',
        ),
    ],
)
def test_impossible_settings_are_told(drawn_once, tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        train(tiny_run(drawn_once, tmp_path, **changes))


def test_a_model_without_phases_is_told(drawn_once, tmp_path):
    config = tiny_run(drawn_once, tmp_path)
    config.model = config.model.detector
    with pytest.raises(ConfigError, match=r'trains models of mmps, .* not RetinaNet'):
        train(config)


def test_an_iteration_based_loop_is_told(drawn_once, tmp_path):
    config = tiny_run(drawn_once, tmp_path)
    config.train_cfg = {'type': 'IterBasedTrainLoop', 'max_iters': 3, 'val_interval': 100}
    with pytest.raises(ConfigError, match=r'needs train_cfg\.type=EpochBasedTrainLoop'):
        train(config)
