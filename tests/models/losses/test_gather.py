"""Triplets over several ranks have loss and gradient of one process with the whole batch."""

import copy

import pytest
import torch

from mmps.models.losses.gather import gather_batch
from mmps.models.reid import TripletReIDHead
from mmps.testing.ranks import run_ranks

pytestmark = pytest.mark.skipif(
    not torch.distributed.is_available(), reason='torch without distribution'
)

WORKER = """
    import copy
    from mmps.models.reid import TripletReIDHead


    class Loss(torch.nn.Module):
        def __init__(self, head):
            super().__init__()
            self.head = head

        def forward(self, features, ids):
            return self.head.loss(features, ids)['loss_triplet']


    def work():
        data = torch.load(f'{folder}/data.pth')
        results = {}
        for name, loss in data['losses'].items():
            for split, parts in data['splits'][world_size].items():
                mine = slice(*parts[rank])
                head = TripletReIDHead(6, 4, loss=copy.deepcopy(loss)).double()
                head.load_state_dict(data['weights'])
                head = torch.nn.parallel.DistributedDataParallel(Loss(head))
                results[name, split] = []
                for features, ids in data['batches']:
                    head.zero_grad()
                    value = head(features[mine], ids[mine])
                    value.backward()
                    gradients = [p.grad.clone() for p in head.parameters()]
                    results[name, split].append((value.detach(), gradients))
        torch.save(results, f'{folder}/rank_{rank}_of_{world_size}.pth')
"""

LOSSES = {
    'batch-hard': {'type': 'mmps.BatchHardTripletLoss', 'margin': 1.0},
    'batch-hard, soft': {'type': 'mmps.BatchHardTripletLoss', 'margin': 'soft'},
    'semi-hard': {'type': 'mmps.SemiHardTripletLoss', 'margin': 1.0},
    'unlabelled negatives': {
        'type': 'mmps.BatchHardTripletLoss', 'margin': 1.0, 'unlabelled_negatives': True,
    },
    'memory': {
        'type': 'mmps.CrossBatchTripletLoss',
        'loss': {'type': 'mmps.SemiHardTripletLoss', 'margin': 1.0},
        'size': 200,
    },
}  # fmt: skip
ROWS = 128
SPLITS = {
    2: {'even': [64, 64], 'uneven': [127, 1], 'nobody on the first': [0, 128]},
    4: {'even': [32] * 4, 'uneven': [33, 2, 90, 3], 'nobody on two': [0, 66, 0, 62]},
}


def test_without_ranks_nothing_is_gathered():
    embeddings, ids = torch.rand(4, 3), torch.arange(4)
    gathered = gather_batch(embeddings, ids)
    assert gathered[0] is embeddings
    assert gathered[1] is ids


@pytest.fixture(scope='module')
def data():
    """Two batches of the paper's 32 x 4, one behind the other for the memory, and a few unknown."""
    torch.manual_seed(0)
    head = TripletReIDHead(6, 4).double()
    torch.nn.init.normal_(head.embedding.weight)
    ids = torch.arange(ROWS) // 4
    ids[::19] = -1
    batches = [(torch.randn(ROWS, 6, dtype=torch.float64), ids) for _ in range(2)]
    splits = {
        world_size: {
            name: [(sum(counts[:r]), sum(counts[: r + 1])) for r in range(world_size)]
            for name, counts in kinds.items()
        }
        for world_size, kinds in SPLITS.items()
    }
    weights = head.state_dict()
    return {'losses': LOSSES, 'weights': weights, 'batches': batches, 'splits': splits}


def alone(data, loss):
    head = TripletReIDHead(6, 4, loss=copy.deepcopy(loss)).double()
    head.load_state_dict(data['weights'])
    for features, ids in data['batches']:
        head.zero_grad()
        value = head.loss(features, ids)['loss_triplet']
        value.backward()
        yield value.detach(), [p.grad.clone() for p in head.parameters()]


@pytest.mark.slow
@pytest.mark.parametrize('world_size', [2, 4])
def test_ranks_equal_one_process_with_the_joined_batch(tmp_path, data, world_size):
    torch.save(data, tmp_path / 'data.pth')
    run_ranks(WORKER, tmp_path, world_size)
    found = [torch.load(tmp_path / f'rank_{r}_of_{world_size}.pth') for r in range(world_size)]
    for name, loss in LOSSES.items():
        steps = list(alone(data, loss))
        assert all(value > 0 for value, _ in steps)
        for split in SPLITS[world_size]:
            for rank in found:
                for (value, gradients), (expected, wanted) in zip(
                    rank[name, split], steps, strict=True
                ):
                    case = f'{name}, {split}'
                    assert abs(value - expected) < 1e-12, case
                    for ours, theirs in zip(gradients, wanted, strict=True):
                        assert (ours - theirs).abs().max() < 1e-12, case
