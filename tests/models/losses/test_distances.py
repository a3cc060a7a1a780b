import pytest
import torch

from mmps.models.losses import distances
from mmps.models.losses.distances import DISTANCES, matrix_dtype


def test_distances_are_compared_in_single_precision_where_there_is_no_other():
    assert matrix_dtype('mps') == torch.float32
    assert matrix_dtype('cuda') == matrix_dtype('cpu') == torch.float64


@pytest.mark.parametrize('name', DISTANCES)
def test_matrices_of_single_precision_order_pairs_alike(name, monkeypatch):
    a, b = torch.randn(2, 20, 16, generator=torch.Generator().manual_seed(0))
    exact = DISTANCES[name].matrix(a, b)
    monkeypatch.setattr(distances, 'matrix_dtype', lambda device: torch.float32)
    single = DISTANCES[name].matrix(a, b)
    assert (exact.dtype, single.dtype) == (torch.float64, torch.float32)
    torch.testing.assert_close(single, exact.float(), atol=1e-5, rtol=1e-5)
    assert torch.equal(exact.argsort(1), single.argsort(1))
