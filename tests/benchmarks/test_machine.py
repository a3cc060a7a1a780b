from __future__ import annotations

import pytest
import torch

from mmps.benchmarks.machine import peak_memory, use_device
from mmps.structures import ConfigError


@pytest.mark.parametrize('name', ['cuda:77', 'abacus'])
def test_a_device_that_is_not_there_is_named(name):
    with pytest.raises(ConfigError, match=f'--device {name} cannot be used: [A-Z]'):
        use_device(name, None)


def test_threads_are_set():
    before = torch.get_num_threads()
    try:
        use_device('cpu', 1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_memory_of_the_process_is_that_of_its_largest_moment():
    before = peak_memory('cpu')
    block = torch.ones(int((before + 50) * 2**20) // 4)
    assert peak_memory('cpu') >= block.numel() * 4 / 2**20
