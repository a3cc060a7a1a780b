"""Triplets over two ranks have the loss and the gradient of one process with the whole batch."""

import os
import subprocess
import sys
import textwrap

import pytest
import torch

from mmps.models.losses.gather import gather_batch
from mmps.models.reid import TripletReIDHead

WORKER = textwrap.dedent(
    """
    import sys
    import torch
    from torch import distributed
    from mmps.models.reid import TripletReIDHead


    class Loss(torch.nn.Module):
        def __init__(self, head):
            super().__init__()
            self.head = head

        def forward(self, features, ids):
            return self.head.loss(features, ids)['loss_triplet']


    def work(rank, folder):
        data = torch.load(f'{folder}/data.pth')
        head = TripletReIDHead(6, 4, loss=data['loss'], gather=True).double()
        head.load_state_dict(data['weights'])
        head = torch.nn.parallel.DistributedDataParallel(Loss(head))
        half = slice(rank * 8, rank * 8 + 8)
        value = head(data['features'][half], data['ids'][half])
        value.backward()
        gradients = [p.grad for p in head.parameters()]
        torch.save({'value': value.detach(), 'gradients': gradients}, f'{folder}/rank_{rank}.pth')


    rank, folder = int(sys.argv[1]), sys.argv[2]
    distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2
    )
    work(rank, folder)
    # The wrapped model is gone by now: while one holds the group, gloo's threads outlive it, and
    # the interpreter's end aborts now and then.
    distributed.barrier()
    distributed.destroy_process_group()
    """
)


def test_without_ranks_nothing_is_gathered():
    embeddings, ids = torch.rand(4, 3), torch.arange(4)
    gathered = gather_batch(embeddings, ids)
    assert gathered[0] is embeddings
    assert gathered[1] is ids


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason='torch without distribution')
@pytest.mark.parametrize('loss', ['BatchHardTripletLoss', 'SemiHardTripletLoss'])
def test_two_ranks_equal_one_process(tmp_path, loss):
    torch.manual_seed(0)
    loss = {'type': f'mmps.{loss}', 'margin': 1.0}
    head = TripletReIDHead(6, 4, loss=loss).double()
    torch.nn.init.normal_(head.embedding.weight)
    # Identities span both halves: no rank alone sees all positives.
    features, ids = torch.randn(16, 6, dtype=torch.float64), torch.arange(16) % 4
    data = {'loss': loss, 'weights': head.state_dict(), 'features': features, 'ids': ids}
    torch.save(data, tmp_path / 'data.pth')
    (tmp_path / 'worker.py').write_text(WORKER, encoding='utf-8')
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    workers = [
        subprocess.Popen(
            [sys.executable, tmp_path / 'worker.py', str(rank), tmp_path], env=environment
        )
        for rank in range(2)
    ]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    value = head.loss(features, ids)['loss_triplet']
    value.backward()
    assert value > 0
    for rank in range(2):
        found = torch.load(tmp_path / f'rank_{rank}.pth')
        torch.testing.assert_close(found['value'], value.detach())
        for ours, theirs in zip(found['gradients'], head.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs.grad)
