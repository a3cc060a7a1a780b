import pytest

from mmps.engine.phases import Phases
from mmps.structures import ConfigError

STAGES = ({'epochs': 2, 'loss': 'semi-hard'}, {'epochs': 3, 'loss': 'batch-hard'})


def test_epochs_are_numbered_through_both_phases():
    phases = Phases(4, STAGES)
    assert (phases.reid_epochs, phases.epochs) == (5, 9)
    found = [phases.stages[phases.stage(epoch)]['loss'] for epoch in range(4, 9)]
    assert found == ['semi-hard'] * 2 + ['batch-hard'] * 3
    assert phases.lengths(10, 7) == {
        'detection': {'epochs': [4], 'batches': 10},
        'reid': {'epochs': [2, 3], 'batches': 7},
    }


def test_iterations_that_are_left_equal_those_of_a_loop():
    phases = Phases(4, STAGES)
    for first in range(10):
        counted = sum(10 if epoch < 4 else 7 for epoch in range(first, 9))
        assert phases.iterations_from(first, 10, 7) == counted


def test_a_run_has_a_phase_1_unless_it_is_left_out():
    assert Phases(4, STAGES).train_detector
    assert not Phases(0, STAGES).train_detector
    assert not Phases(4, STAGES, 'reid').train_detector


@pytest.mark.parametrize(
    ('settings', 'words'), [((4, STAGES, 'joint'), "'joint'.*'detection'"), ((4, ()), 'is empty')]
)
def test_settings_that_cannot_be_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        Phases(*settings)
