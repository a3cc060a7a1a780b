import pytest
import torch

from mmps.models.reid import RandomErasing
from mmps.models.reid.random_erasing import erase


def test_exactly_the_rectangle_is_overwritten():
    maps = torch.rand(2, 3, 6, 4) + 1
    numbers = [torch.tensor(pair) for pair in ([1, 0], [2, 0], [3, 0], [2, 4])]
    erased = erase(maps, *numbers, value=-1.0)
    expected = maps.clone()
    expected[0, :, 1:4, 2:4] = -1
    assert torch.equal(erased, expected)
    assert maps.min() >= 1


def test_areas_and_shares_are_as_set():
    torch.manual_seed(0)
    erasing = RandomErasing(prob=0.4, area=(0.1, 0.3)).train()
    gone = (erasing(torch.ones(4000, 2, 32, 16)) == 0).float()
    assert torch.equal(gone[:, 0], gone[:, 1])
    share = gone[:, 0].mean((1, 2))
    assert (share > 0).float().mean().item() == pytest.approx(0.4, abs=0.03)
    hit = share[share > 0]
    assert hit.mean().item() == pytest.approx(0.2, abs=0.02)
    assert hit.min() > 0.05
    assert hit.max() < 0.4
    everywhere = gone[:, 0].mean(0)
    assert everywhere.min() > 0


def test_rectangles_are_whole():
    torch.manual_seed(1)
    for gone in RandomErasing(prob=1.0).train()(torch.ones(50, 1, 16, 8))[:, 0] == 0:
        rows, columns = gone.any(1), gone.any(0)
        assert torch.equal(gone, rows[:, None] & columns[None])


def test_nothing_is_erased_outside_of_training_or_of_nobody():
    maps = torch.rand(4, 3, 6, 4)
    assert RandomErasing(prob=1.0).eval()(maps) is maps
    assert RandomErasing(prob=1.0).train()(maps[:0]).shape == (0, 3, 6, 4)
    assert torch.equal(RandomErasing(prob=0.0).train()(maps), maps)


def test_a_wrong_probability_is_told():
    with pytest.raises(ValueError, match=r'prob=1\.5 must be between 0 and 1'):
        RandomErasing(prob=1.5)
