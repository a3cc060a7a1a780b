from __future__ import annotations

import pytest

from mmps.structures import DataError
from mmps.visualization.training_log import is_shown, phase_name, read_training_log


def test_phases_follow_from_the_loss_terms(write_log, two_phases):
    log = read_training_log(write_log(two_phases))
    assert log.name == 'some-run'
    assert log.phases() == ['detection', 're-ID']


def test_a_phase_counts_from_its_own_beginning(write_log, two_phases):
    log = read_training_log(write_log(two_phases))
    first, second, none = (log.of_phase(name) for name in ('detection', 're-ID', 'joint'))
    assert [record['step'] for record in first.train] == [10, 20]
    assert [record['step'] for record in second.train] == [10, 20, 30]
    assert [record['step'] for record in first.validation] == [20]
    assert [record['g100/mAP'] for record in second.validation] == [0.4]
    assert second.validation[0]['step'] == 30
    assert (none.train, none.validation) == ([], [])


def test_curves_and_metrics(write_log, two_phases):
    log = read_training_log(write_log(two_phases))
    assert [curve.name for curve in log.curves('loss')] == [
        'loss', 'loss_cls', 'loss_bbox', 'loss_triplet',
    ]  # fmt: skip
    assert log.curves('loss_cls')[0].iterations == [10, 20]
    metrics = {curve.name: (curve.iterations, curve.values) for curve in log.metrics()}
    assert metrics == {
        'det/AP': ([20, 50], [0.5, 0.7]),
        'det/recall': ([20], [0.6]),
        'g100/mAP': ([50], [0.4]),
        'g100/top1': ([50], [0.5]),
    }


def test_a_resumed_run_replaces_what_was_lost(write_log, two_phases):
    work_dir = write_log(two_phases)
    resumed = [{'lr': 0.2, 'loss': 9.0, 'loss_triplet': 9.0, 'step': step} for step in (40, 50)]
    write_log(resumed, run='20260102_000000')
    log = read_training_log(work_dir)
    assert log.curves('loss_triplet')[0].iterations == [30, 40, 50]
    assert log.curves('loss_triplet')[0].values == [0.3, 9.0, 9.0]
    assert [record['step'] for record in log.validation] == [20]


def test_a_second_runner_of_the_same_process_is_left_out(write_log, two_phases):
    """MMEngine's visualizers of one name are one object: both write to the first one's file."""
    log = read_training_log(write_log([*two_phases, {'lr': 7.0, 'loss': 7.0, 'step': 10}]))
    assert log.curves('lr')[0].values == [0.1, 0.1, 0.2, 0.2, 0.2]


@pytest.mark.parametrize(
    ('terms', 'phase'),
    [
        (('loss_cls', 'loss_bbox'), 'detection'),
        (('loss_triplet',), 're-ID'),
        (('loss_cls', 'loss_triplet'), 'joint'),
    ],
)
def test_phase_names(terms, phase):
    assert phase_name({'loss': 1.0, 'lr': 0.1, **dict.fromkeys(terms, 1.0)}) == phase


@pytest.mark.parametrize(
    ('name', 'shown'),
    [
        ('mAP', True),
        ('gt/g100/mAP', True),
        ('coco/bbox_mAP', True),
        ('det/AP', True),
        ('det/recall', True),
        ('g100/top1', True),
        ('g100/top10', False),
        ('det_labelled/AP', False),
        ('data_time', False),
        ('gap', False),
    ],
)
def test_shown_metrics(name, shown):
    assert is_shown(name) is shown


def test_a_folder_without_logs_is_named(tmp_path):
    with pytest.raises(DataError, match=r'holds no \*/vis_data/scalars\.json'):
        read_training_log(tmp_path)


def test_a_last_line_that_a_kill_cut_is_left_out(write_log, two_phases):
    work_dir = write_log(two_phases)
    whole = read_training_log(work_dir)
    (path,) = work_dir.glob('*/vis_data/scalars.json')
    path.write_text(path.read_text() + '{"lr": 0.')
    assert read_training_log(work_dir) == whole


def test_a_broken_line_is_named(write_log, two_phases):
    work_dir = write_log(two_phases)
    (path,) = work_dir.glob('*/vis_data/scalars.json')
    path.write_text(path.read_text() + '{"lr": 0.\n')
    with pytest.raises(DataError, match=r'scalars\.json, line 8, is not JSON'):
        read_training_log(work_dir)
