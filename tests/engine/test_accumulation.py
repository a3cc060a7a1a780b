"""Accumulated gradients end with the epoch: no batch is lost, and resuming stays exact."""

import shutil

import pytest
import torch
from mmengine.optim import OptimWrapper

from mmps.engine.accumulation import count_from_zero
from mmps.testing.runs import tiny_run, train


def steps(batches, counts, epochs):
    """Weights after each step of a linear model."""
    weight = torch.nn.Parameter(torch.zeros(3))
    wrapper = OptimWrapper(torch.optim.SGD([weight], lr=0.1), accumulative_counts=counts)
    made = [weight.detach().clone()]
    for _ in range(epochs):
        count_from_zero(wrapper, len(batches))
        for inputs, targets in batches:
            wrapper.update_params(((inputs @ weight - targets) ** 2).mean())
            if not torch.equal(weight, made[-1]):
                made.append(weight.detach().clone())
        assert weight.grad is None or not weight.grad.any()
    return made[1:]


def test_halves_of_batches_give_the_steps_of_whole_ones_with_the_odd_one_at_the_end():
    torch.manual_seed(0)
    halves = [(torch.randn(4, 3), torch.randn(4)) for _ in range(5)]
    whole = [tuple(map(torch.cat, zip(*halves[i : i + 2], strict=True))) for i in (0, 2, 4)]
    found, expected = steps(halves, 2, epochs=3), steps(whole, 1, epochs=3)
    assert len(found) == 9
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.slow
def test_a_count_that_divides_no_phase_is_resumed_exactly(drawn_once, tmp_path):
    changes = {
        'optim_wrapper__accumulative_counts': 2,
        'default_hooks__two_phase__optim_wrapper__accumulative_counts': 2,
        'train_dataloader__batch_size': 3,
    }
    runner = train(tiny_run(drawn_once, tmp_path / 'whole', **changes))
    final = runner.model.state_dict()
    reid = len(runner.train_dataloader)
    assert reid % 2
    assert (runner.iter - 3 * reid) // 2 % 2
    for last in (1, 3):
        target = tmp_path / f'from_{last}'
        target.mkdir()
        shutil.copy(tmp_path / 'whole' / f'epoch_{last}.pth', target)
        again = train(tiny_run(drawn_once, target, resume=True, **changes)).model.state_dict()
        assert not [key for key in final if not torch.equal(final[key], again[key])]
