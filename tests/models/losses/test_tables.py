"""What losses remember: queues, rows, pools of classes, and sums of losses."""

import copy

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from mmps.models.losses import LossSum, OIMLoss
from mmps.models.losses.base import compute
from mmps.models.losses.identity_softmax import class_pool, random_order
from mmps.models.losses.tables import EmbeddingQueue, move_rows
from mmps.registry import MODELS
from mmps.structures import BACKGROUND, UNLABELLED, ConfigError

SIZES = {'num_ids': 5, 'embedding_channels': 4}
STATEFUL = {
    'OIM': {'type': 'mmps.OIMLoss', 'queue_size': 3, **SIZES},
    'IEL': {'type': 'mmps.InstanceEnhancingLoss', 'queue_size': 3, **SIZES},
    'centre': {'type': 'mmps.CenterLoss', **SIZES},
    'random sampling': {'type': 'mmps.RandomSamplingSoftmaxLoss', 'pool_size': 4, **SIZES},
    'HEP': {'type': 'mmps.HardExamplePriorityLoss', 'pool_size': 4, **SIZES},
    'OLP': {'type': 'mmps.OnlinePairingLoss', 'embedding_channels': 4},
}
STATEFUL['sum'] = {'type': 'mmps.LossSum', 'losses': {'a': STATEFUL['OIM'], 'b': STATEFUL['HEP']}}
IDS = torch.tensor([0, 3, UNLABELLED, 3, 0, UNLABELLED, 4, BACKGROUND])


def embeddings(seed, rows=8):
    return torch.randn(rows, 4, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize('rows', [0, 1, 2, 3, 4, 7])
def test_a_queue_keeps_the_newest(rows):
    queue, kept = EmbeddingQueue(3, 1), []
    for start in range(0, 20, 5):
        values = torch.arange(start, start + rows)
        queue.push(values[:, None].float(), values)
        kept = (kept + values.tolist())[-3:]
        assert sorted(queue.embeddings[: len(kept), 0].tolist()) == sorted(kept)
        assert sorted(queue.person_ids[: len(kept)].tolist()) == sorted(kept)
        if len(kept) == 3:
            assert queue.person_ids.roll(-int(queue.pointer)).tolist() == kept


def test_a_queue_of_nothing_takes_everything():
    queue = EmbeddingQueue(0, 4)
    queue.push(embeddings(0), IDS)
    assert len(queue) == 0
    with pytest.raises(ConfigError, match='its size is at least 0'):
        EmbeddingQueue(-1, 4)


def test_rows_move_one_embedding_after_another():
    table, x = F.normalize(embeddings(0, 5)), F.normalize(embeddings(1))
    expected = table.clone()
    rows = torch.tensor([2, 0, 2, 2, 4, 0, 1, 2])
    for row, value in zip(rows, x, strict=True):
        mixed = 0.3 * expected[row] + 0.7 * value
        expected[row] = mixed / mixed.norm()
    move_rows(table, rows, x, 0.3)
    torch.testing.assert_close(table, expected)


def test_a_pool_holds_the_batch_then_the_preferred_then_random_ones():
    drawn = torch.tensor([5, 1, 0, 4, 2, 3])
    present, preferred = torch.tensor([4, 4, 2]), torch.tensor([2, 3, 3, 0])
    for size, pool in ((1, [4, 2]), (3, [4, 2, 3]), (5, [4, 2, 3, 0, 5]), (9, [4, 2, 3, 0, 5, 1])):
        assert class_pool(present, preferred, drawn, size).tolist() == pool
    assert sorted(random_order(6, 1).tolist()) == list(range(6))
    assert random_order(6, 1).tolist() != random_order(6, 2).tolist()


@pytest.mark.parametrize('name', STATEFUL)
def test_what_a_loss_remembers_is_in_its_state(name):
    torch.manual_seed(0)
    loss = MODELS.build(STATEFUL[name])
    for seed in range(3):
        compute(loss, embeddings(seed), IDS)
    fresh = MODELS.build(STATEFUL[name])
    before, _ = compute(copy.deepcopy(fresh), embeddings(3), IDS)
    fresh.load_state_dict(copy.deepcopy(loss.state_dict()))
    for seed in (3, 4):
        value, expected = (compute(each, embeddings(seed), IDS)[0] for each in (fresh, loss))
        assert torch.equal(value, expected)
        assert value != before


@pytest.mark.parametrize('name', STATEFUL)
def test_autocast_changes_nothing(name):
    torch.manual_seed(0)
    loss = MODELS.build(STATEFUL[name])
    other = copy.deepcopy(loss)
    for seed in range(3):
        expected, _ = compute(loss, embeddings(seed), IDS)
        with torch.autocast('cpu', dtype=torch.bfloat16):
            value, _ = compute(other, embeddings(seed), IDS)
        assert torch.equal(value, expected)
        assert value.dtype == torch.float32


@pytest.mark.parametrize('name', STATEFUL)
def test_people_without_identity_alone_give_zero_with_a_graph(name):
    loss, x = MODELS.build(STATEFUL[name]), embeddings(0, 3).requires_grad_()
    value, _ = compute(loss, x, torch.tensor([UNLABELLED, UNLABELLED, BACKGROUND]))
    value.backward()
    assert value.item() == 0
    assert not x.grad.any()


def test_oim_without_a_queue_does_not_ask_for_people_without_identity():
    assert OIMLoss(5, 4).uses_unlabelled
    assert not OIMLoss(5, 4, queue_size=0).uses_unlabelled


def test_a_sum_is_the_sum_and_each_sees_whom_it_uses():
    parts = {
        'oim': STATEFUL['OIM'],
        'softmax': {'type': 'mmps.RandomSamplingSoftmaxLoss', 'background': True, **SIZES},
        'triplet': {'type': 'mmps.BatchHardTripletLoss'},
    }
    torch.manual_seed(0)
    loss = LossSum(parts, {'oim': 0.5, 'triplet': 2.0})
    apart = {name: copy.deepcopy(part) for name, part in loss.losses.items()}
    assert loss.uses_unlabelled
    assert loss.uses_background
    value, shown = compute(loss, embeddings(0), IDS)
    values = {name: compute(part, embeddings(0), IDS)[0] for name, part in apart.items()}
    torch.testing.assert_close(
        value, 0.5 * values['oim'] + values['softmax'] + 2 * values['triplet']
    )
    assert {name: shown[name].item() for name in values} == {
        name: each.item() for name, each in values.items()
    }
    assert {'oim_matched', 'softmax_accuracy', 'triplet_active_triplets'} <= shown.keys()
    assert not [name for name in shown if 'loss' in name]


def test_sums_that_say_nothing_are_rejected():
    with pytest.raises(ConfigError, match='weights for triplet'):
        LossSum({'oim': STATEFUL['OIM']}, {'triplet': 1.0})
    with pytest.raises(ConfigError, match='would count twice'):
        LossSum({'oim_loss': STATEFUL['OIM']})
    with pytest.raises(ConfigError, match=r'LossSum has the losses \(\)'):
        LossSum({})
    with pytest.raises(ConfigError, match='must be 1 or more'):
        MODELS.build(STATEFUL['HEP'] | {'pool_size': 0})
