"""Triplets over several ranks have loss and gradient of one process with the whole batch."""

import copy

import pytest
import torch

from mmps.models.losses.gather import gather_batch
from mmps.models.reid import TripletReIDHead
from mmps.structures import BACKGROUND
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
            logged = self.head.loss(features, ids)
            return sum(value for name, value in logged.items() if name.startswith('loss'))


    def work():
        data = torch.load(f'{folder}/data.pth')
        results = {}
        for name, loss in data['losses'][world_size].items():
            for split, parts in data['splits'][world_size].items():
                mine = slice(*parts[rank])
                head = TripletReIDHead(6, 4, loss=copy.deepcopy(loss))
                head.set_num_ids(data['identities'])
                head.double().load_state_dict(data['weights'][name])
                head = torch.nn.parallel.DistributedDataParallel(
                    Loss(head), broadcast_buffers=False
                )
                results[name, split] = []
                for features, ids in data['batches']:
                    head.zero_grad()
                    value = head(features[mine], ids[mine])
                    value.backward()
                    gradients = [p.grad.clone() for p in head.parameters()]
                    tables = [table.clone() for table in head.buffers()]
                    results[name, split].append((value.detach(), gradients, tables))
        torch.save(results, f'{folder}/rank_{rank}_of_{world_size}.pth')
"""

SIZES = {'num_ids': 'auto', 'embedding_channels': 'auto'}
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
    'OIM': {'type': 'mmps.OIMLoss', 'queue_size': 5, **SIZES},
    'IEL': {'type': 'mmps.InstanceEnhancingLoss', 'min_similarity': 0.5, **SIZES},
    'random sampling': {
        'type': 'mmps.RandomSamplingSoftmaxLoss', 'background': True, 'pool_size': 50, **SIZES,
    },
    'softmax and centres': {
        'type': 'mmps.LossSum',
        'losses': {
            'softmax': {'type': 'mmps.IdentitySoftmaxLoss', 'label_smoothing': 0.1, **SIZES},
            'center': {'type': 'mmps.CenterLoss', **SIZES},
        },
        'weights': {'center': 0.1},
    },
    'HEP and OLP': {
        'type': 'mmps.LossSum',
        'losses': {
            'hep': {'type': 'mmps.HardExamplePriorityLoss', 'pool_size': 40, **SIZES},
            'olp': {'type': 'mmps.OnlinePairingLoss', 'embedding_channels': 'auto'},
        },
    },
}  # fmt: skip
TRIPLETS = {name: loss for name, loss in LOSSES.items() if 'Triplet' in loss['type']}
ROWS, IDENTITIES = 128, 32
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
    ids = torch.arange(ROWS) // 4
    ids[::19] = -1
    ids[7::31] = BACKGROUND
    batches = [(torch.randn(ROWS, 6, dtype=torch.float64), ids) for _ in range(2)]
    splits = {
        world_size: {
            name: [(sum(counts[:r]), sum(counts[: r + 1])) for r in range(world_size)]
            for name, counts in kinds.items()
        }
        for world_size, kinds in SPLITS.items()
    }
    weights = {}
    for name, loss in LOSSES.items():
        head = a_head(loss)
        torch.nn.init.normal_(head.embedding.weight)
        weights[name] = copy.deepcopy(head.state_dict())
    return {
        'losses': {2: LOSSES, 4: TRIPLETS},
        'identities': IDENTITIES,
        'weights': weights,
        'batches': batches,
        'splits': splits,
    }


def flat(parts):
    return [tensor for part in parts for tensor in part]


def a_head(loss):
    head = TripletReIDHead(6, 4, loss=copy.deepcopy(loss))
    head.set_num_ids(IDENTITIES)
    return head.double()


def alone(data, name):
    head = a_head(LOSSES[name])
    head.load_state_dict(data['weights'][name])
    for features, ids in data['batches']:
        head.zero_grad()
        value = sum(v for key, v in head.loss(features, ids).items() if key.startswith('loss'))
        value.backward()
        tables = [table.clone() for table in head.buffers()]
        yield value.detach(), [p.grad.clone() for p in head.parameters()], tables


@pytest.mark.slow
@pytest.mark.parametrize('world_size', [2, 4])
def test_ranks_equal_one_process_with_the_joined_batch(tmp_path, data, world_size):
    torch.save(data, tmp_path / 'data.pth')
    run_ranks(WORKER, tmp_path, world_size)
    found = [torch.load(tmp_path / f'rank_{r}_of_{world_size}.pth') for r in range(world_size)]
    for name in LOSSES if world_size == 2 else TRIPLETS:
        steps = list(alone(data, name))
        assert all(value > 0 for value, *_ in steps)
        for split in SPLITS[world_size]:
            for rank in found:
                for (value, *found_state), (expected, *wanted) in zip(
                    rank[name, split], steps, strict=True
                ):
                    case = f'{name}, {split}'
                    assert abs(value - expected) < 1e-12, case
                    for ours, theirs in zip(flat(found_state), flat(wanted), strict=True):
                        assert ours.numel() == 0 or (ours - theirs).abs().max() < 1e-12, case
