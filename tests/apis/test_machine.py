from __future__ import annotations

import torch

from mmps.apis.machine import describe_machine


def test_what_a_reader_must_know():
    found = describe_machine('cpu')
    assert set(found) == {'date', 'machine', 'versions'}
    assert found['machine'].startswith(f'{torch.get_num_threads()} CPU threads')
    assert f'torch {torch.__version__}' in found['versions']
