import numpy as np
from mmengine.logging import MessageHub

from mmps.engine.message_hub import LONGEST_HISTORY, bound_history


def test_histories_stay_bounded_and_keep_their_newest_values():
    hub = MessageHub('test_histories')
    hub.update_scalar('train/loss', 0.0)
    bound_history(hub, epoch_length=7)
    buffer = hub.get_scalar('train/loss')
    buffer._log_history = np.arange(LONGEST_HISTORY, dtype=float)
    buffer._count_history = np.ones(LONGEST_HISTORY)
    for value in range(5):
        hub.update_scalar('train/loss', value)
    assert len(buffer.data[0]) == len(buffer.data[1]) == LONGEST_HISTORY
    assert buffer.mean(5) == 2.0


def test_an_average_over_a_long_epoch_stays_possible():
    hub = MessageHub('test_long_epoch')
    hub.update_scalar('train/loss', 0.0)
    bound_history(hub, epoch_length=3 * LONGEST_HISTORY)
    assert hub.get_scalar('train/loss').max_length == 3 * LONGEST_HISTORY


def test_a_history_read_from_a_checkpoint_knows_its_averages(monkeypatch):
    hub = MessageHub('test_read_history')
    hub.update_scalar('train/loss', 2.0)
    buffer = hub.get_scalar('train/loss')
    monkeypatch.setattr(type(buffer), '_statistics_methods', {})
    bound_history(hub, epoch_length=7)
    assert buffer.statistics('mean', 1) == 2.0
