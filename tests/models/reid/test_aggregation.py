import pytest
import torch

from mmps.models.reid import AveragePool, GeMPool


def test_average():
    features = torch.rand(3, 5, 4, 2)
    expected = features.reshape(3, 5, 8).mean(2)
    torch.testing.assert_close(AveragePool()(features), expected)


@pytest.mark.parametrize(('p', 'pool'), [(1.0, 'avg'), (200.0, 'max')])
def test_generalised_mean_lies_between_average_and_maximum(p, pool):
    features = 0.7 + 0.3 * torch.rand(3, 5, 4, 2)  # 0.5 ** 200 is no float32
    expected = getattr(torch.nn.functional, f'adaptive_{pool}_pool2d')(features, 1)[..., 0, 0]
    torch.testing.assert_close(GeMPool(p)(features), expected, atol=0.02, rtol=0)


def test_generalised_mean_of_two_numbers():
    features = torch.tensor([1.0, 2.0]).reshape(1, 1, 1, 2)
    assert GeMPool(3.0)(features).item() == pytest.approx(((1 + 8) / 2) ** (1 / 3))


def test_the_exponent_learns_and_empty_cells_do_no_harm():
    pool, features = GeMPool(), torch.zeros(2, 3, 4, 2).requires_grad_()
    pool(features).sum().backward()
    assert torch.isfinite(pool.p.grad)
    assert torch.isfinite(features.grad).all()
    assert pool(torch.rand(2, 3, 4, 2, dtype=torch.float16)).dtype == torch.float16
