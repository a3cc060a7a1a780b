import pytest
import torch

from mmps.models.losses import StageLosses
from mmps.models.losses.stage_losses import UnsizedLoss
from mmps.models.reid import TripletReIDHead
from mmps.structures import ConfigError
from mmps.testing import table_loss  # noqa: F401  # registration

TABLE = {'type': 'TableLoss', 'num_ids': 'auto', 'embedding_channels': 'auto'}
TRIPLET = {'type': 'mmps.SemiHardTripletLoss', 'margin': 0.7}


def test_sizes_are_filled_in_once_they_are_known():
    losses = StageLosses(4)
    losses.build([TRIPLET, TABLE])
    assert [type(loss).__name__ for loss in losses] == ['SemiHardTripletLoss', 'UnsizedLoss']
    kept = losses[0]
    losses.set_num_ids(7)
    assert losses[0] is kept
    assert losses[1].table.shape == (7, 4)
    losses.build([TABLE])
    assert losses[0].table.shape == (7, 4)
    assert TABLE['num_ids'] == 'auto'


def test_sizes_of_nested_configs_are_filled_in():
    nested = {'type': 'mmps.CrossBatchTripletLoss', 'loss': TRIPLET | {'distance': 'auto'}}
    with pytest.raises(ConfigError, match="distance='auto' is unknown"):
        StageLosses(4).build([nested])
    losses = StageLosses(4)
    losses.build([{'type': 'Outer', 'parts': [TABLE]}])
    assert isinstance(losses.active, UnsizedLoss)


def test_a_loss_whose_size_nobody_knows_does_not_train():
    losses = StageLosses(4)
    losses.build([TABLE])
    with pytest.raises(ConfigError, match=r"'auto' for the number of identities, .*OnePhaseHook"):
        losses(torch.rand(2, 4), torch.tensor([0, 1]))


def test_a_table_of_fewer_identities_than_there_are_is_rejected():
    losses = StageLosses(4)
    losses.build([TABLE | {'num_ids': 3}])
    losses.set_num_ids(3)
    with pytest.raises(ConfigError, match='TableLoss is for 3 identities, but the training set ha'):
        losses.set_num_ids(4)


def test_all_losses_are_there_and_one_of_them_learns():
    head = TripletReIDHead(6, 4)
    head.set_losses([TABLE, TRIPLET, TABLE], num_ids=5)
    names = [name for name in head.state_dict() if name.startswith('losses.')]
    assert names == [
        f'losses.{stage}.{what}'
        for stage in (0, 2)
        for what in ('scale', 'table', 'queue', 'pointer')
    ]
    assert head.losses.idle_weights == ['2.scale']
    assert head.losses.select(1)
    assert head.losses.idle_weights == ['0.scale', '2.scale']
    assert head.losses.log_name == 'loss_triplet'
    assert not head.losses.select(1)
    assert not head.uses_unlabelled
    head.losses.select(2)
    assert head.uses_unlabelled
    head.loss(torch.rand(3, 6), torch.tensor([0, 4, -1]))
    assert head.losses[2].table.any()
    assert not head.losses[0].table.any()
    assert head.losses[2].batches == 1
    head.losses.reset()
    assert head.losses[2].batches == 0


def test_a_share_of_the_batch_for_each_rank_goes_with_no_state(monkeypatch):
    monkeypatch.setattr('mmps.models.losses.stage_losses.get_world_size', lambda: 2)
    StageLosses(4, gathered=False).build([TRIPLET])
    with pytest.raises(ConfigError, match=r'gather=False gives each process .* TableLoss'):
        StageLosses(4, gathered=False).build([TABLE], num_ids=3)
