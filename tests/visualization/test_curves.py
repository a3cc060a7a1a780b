from __future__ import annotations

import pytest
from matplotlib.colors import to_hex

from mmps.visualization import draw_training_curves, read_training_log, save_figure
from mmps.visualization.naming import KNOWN


def panels(figure):
    return [(axes.get_title(loc='left'), axes.get_title(loc='right')) for axes in figure.axes]


def panel(figure, title, phase):
    return figure.axes[panels(figure).index((title, phase))]


def lines(axes):
    """Iterations by name and colour of each curve."""
    return {(li.get_label(), to_hex(li.get_color())): list(li.get_xdata()) for li in axes.lines}


FIRST, SECOND = 'phase 1: detector', 'phase 2: re-ID'


def test_a_row_for_each_phase_and_a_panel_for_each_quantity(write_log, two_phases):
    figure = draw_training_curves([read_training_log(write_log(two_phases))])
    assert panels(figure) == [
        ('loss', FIRST),
        ('learning rate', FIRST),
        ('detection (%)', FIRST),
        ('loss', SECOND),
        ('learning rate', SECOND),
        ('active triplets (%)', SECOND),
        ('mAP (%)', SECOND),
        ('top-1 (%)', SECOND),
    ]
    assert figure.get_figwidth() == 9


def test_phases_count_from_their_own_beginning(write_log, two_phases):
    figure = draw_training_curves([read_training_log(write_log(two_phases))])
    assert list(panel(figure, 'loss', FIRST).lines[0].get_xdata()) == [10, 20]
    assert list(panel(figure, 'loss', SECOND).lines[0].get_xdata()) == [10, 20, 30]
    assert list(panel(figure, 'mAP (%)', SECOND).lines[0].get_xdata()) == [30]


def test_terms_of_a_loss_are_drawn_only_where_there_are_several(write_log, two_phases):
    figure = draw_training_curves([read_training_log(write_log(two_phases))])
    assert [name for name, _ in lines(panel(figure, 'loss', SECOND))] == ['loss']
    axes = panel(figure, 'loss', FIRST)
    assert [name for name, _ in lines(axes)] == ['loss', 'loss_cls', 'loss_bbox']
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ['sum', 'cls', 'bbox']
    assert len({line.get_linestyle() for line in axes.lines}) == 3


def test_runs_share_panels_and_keep_the_colours_of_the_result_table(
    write_log, two_phases, tmp_path
):
    runs = {'detector': two_phases[:3], 'j3': two_phases[3:], 'j4': two_phases[3:]}
    logs = [
        read_training_log(write_log(log, work_dir=tmp_path / name)) for name, log in runs.items()
    ]
    figure = draw_training_curves(logs)
    assert list(lines(panel(figure, 'loss', SECOND))) == [
        ('loss', KNOWN['J3']), ('loss', KNOWN['J4']),
    ]  # fmt: skip
    assert {colour for _, colour in lines(panel(figure, 'loss', FIRST))} == {KNOWN['detector']}
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ['detector', 'J3', 'J4']
    assert figure.get_figwidth() == 9


def test_search_metrics_are_percent_and_told_apart_by_boxes_and_gallery(write_log, two_phases):
    final = {'g100/mAP': 0.4, 'gt/g100/mAP': 0.5, 'mAP': 0.3, 'det/AP': 0.7, 'step': 2}
    log = read_training_log(write_log([*two_phases[:-1], final]))
    axes = panel(draw_training_curves([log]), 'mAP (%)', SECOND)
    drawn = {line.get_label(): line.get_ydata()[0] for line in axes.lines}
    assert drawn == pytest.approx({'g100/mAP': 40, 'gt/g100/mAP': 50, 'mAP': 30})
    assert sorted(text.get_text() for text in axes.get_legend().get_texts()) == [
        'GT boxes, gallery 100', 'detected boxes', 'detected boxes, gallery 100',
    ]  # fmt: skip


def test_a_joint_run_shows_detection_and_search(write_log):
    both = {'lr': 0.1, 'loss': 2.0, 'loss_cls': 1.0, 'loss_bbox': 0.5, 'loss_triplet': 0.5}
    log = [{**both, 'step': 10}, {'det/AP': 0.5, 'coco/bbox_mAP': 0.4, 'mAP': 0.2, 'step': 1}]
    figure = draw_training_curves([read_training_log(write_log(log))])
    assert [title for title, _ in panels(figure)] == [
        'loss', 'learning rate', 'detection (%)', 'mAP (%)',
    ]  # fmt: skip
    names = [name for name, _ in lines(figure.axes[2])]
    assert names == ['coco/bbox_mAP', 'det/AP']


def test_quantities_without_values_are_left_out(write_log, two_phases):
    figure = draw_training_curves([read_training_log(write_log(two_phases[:2]))])
    assert panels(figure) == [('loss', FIRST), ('learning rate', FIRST)]


@pytest.mark.parametrize(
    ('losses', 'top'),
    [
        ([2.0, float('inf'), float('nan')], 1.05 * 2),
        ([float('nan'), float('nan'), 3.0], 1.05 * 3),
        ([float('nan')] * 3, 1),
        ([0.0, 0.0], 1),
    ],
)
def test_a_diverged_run_is_drawn_up_to_its_finite_values(write_log, tmp_path, losses, top):
    records = [{'lr': 0.1, 'loss': loss, 'step': 10 * k} for k, loss in enumerate(losses, 1)]
    figure = draw_training_curves([read_training_log(write_log(records))])
    assert panel(figure, 'loss', FIRST).get_ylim() == (0, pytest.approx(top))
    save_figure(figure, tmp_path / 'curves.png')


def test_no_log_is_refused():
    with pytest.raises(ValueError, match='name at least one work directory'):
        draw_training_curves([])
