import numpy as np
import pytest
import torch

from mmps.structures import UNLABELLED, is_labelled, relabel


@pytest.mark.parametrize('make', [np.array, torch.tensor])
def test_any_negative_identity_is_unknown(make):
    known = is_labelled(make([7, -1, 0, -2, -3]))
    assert known.tolist() == [True, False, True, False, False]
    assert is_labelled(0)
    assert not is_labelled(-2)


def test_relabelling_gives_unknown_people_one_marker():
    relabelled, original = relabel(np.array([9, -2, 4, -1, 9]))
    assert relabelled.tolist() == [1, UNLABELLED, 0, UNLABELLED, 1]
    assert original.tolist() == [4, 9]
