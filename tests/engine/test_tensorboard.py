import pytest

from mmps.testing.runs import tiny_run, train

event_accumulator = pytest.importorskip(
    'tensorboard.backend.event_processing.event_accumulator', reason='tensorboard is absent'
)


@pytest.mark.slow
def test_tensorboard_by_config_shows_both_phases_on_one_axis(drawn_set, tmp_path):
    backends = [{'type': 'LocalVisBackend'}, {'type': 'TensorboardVisBackend'}]
    train(tiny_run(drawn_set, tmp_path, visualizer__vis_backends=backends))
    (events,) = tmp_path.glob('*/vis_data/events.*')
    shown = event_accumulator.EventAccumulator(str(events)).Reload()
    detection, reid = (
        [scalar.step for scalar in shown.Scalars(name)] for name in ('loss_cls', 'loss_triplet')
    )
    assert detection == sorted(detection)
    assert reid == sorted(reid)
    assert detection[-1] < reid[0]
    assert 'mAP' in shown.Tags()['scalars']
