from __future__ import annotations

import pytest

from mmps.visualization import draw_training_curves, read_training_log


def test_one_column_per_run_and_one_row_per_kind(write_log, two_phases, tmp_path):
    logs = [
        read_training_log(write_log(two_phases, work_dir=tmp_path / name)) for name in ('j2', 'j3')
    ]
    figure = draw_training_curves(logs)
    assert len(figure.axes) == 2 * 4
    assert [axes.get_title() for axes in figure.axes[:2]] == ['j2', 'j3']
    labels = [axes.get_ylabel() for axes in figure.axes[::2]]
    assert labels == ['loss', 'share of active triplets', 'learning rate', 'validation']


def test_the_boundary_of_the_phases_is_drawn_and_named(write_log, two_phases):
    axes = draw_training_curves([read_training_log(write_log(two_phases))]).axes[0]
    drawn = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
    assert [30, 30] in drawn.values()
    assert drawn['loss_triplet'] == [30, 40, 50]
    assert {text.get_text() for text in axes.texts} == {'detection', 're-ID'}


def test_rows_without_values_are_left_out(write_log, two_phases):
    figure = draw_training_curves([read_training_log(write_log(two_phases[:2]))])
    assert [axes.get_ylabel() for axes in figure.axes] == ['loss', 'learning rate']


def test_a_run_without_a_kind_leaves_its_place_empty(write_log, two_phases, tmp_path):
    both = read_training_log(write_log(two_phases, work_dir=tmp_path / 'both'))
    one = read_training_log(write_log(two_phases[:2], work_dir=tmp_path / 'one'))
    axes = draw_training_curves([both, one]).axes
    assert [a.get_visible() for a in axes] == [True, True, True, False, True, True, True, False]


def test_no_log_is_refused():
    with pytest.raises(ValueError, match='give at least one work directory'):
        draw_training_curves([])
