import numpy as np
import pytest
import torch

from mmps.structures import (
    BACKGROUND,
    UNLABELLED,
    DataError,
    IdentityMap,
    identity_space,
    in_space,
    is_labelled,
    relabel,
)


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


def test_equal_ids_of_two_spaces_are_numbered_as_two_people():
    ids, spaces = np.array([3, 1, -2, 3, 1, 7]), [50, 50, 50, 9, 9, 50]
    relabelled, original = relabel(ids, spaces)
    assert relabelled.tolist() == [1, 0, UNLABELLED, 4, 3, 2]
    assert original.tolist() == [1, 3, 7, 1, 3]
    assert [part.tolist() for part in relabel(ids, [50] * 6)] == [
        part.tolist() for part in relabel(ids)
    ]


@pytest.mark.parametrize('ids', [[0, 1, 2**62 - 1, -1, -2, 1], []])
def test_identities_of_other_spaces_do_not_meet(ids):
    ids = torch.tensor(ids, dtype=torch.int64)
    first, second = (in_space(ids, identity_space(name)) for name in (b'a', b'b'))
    assert torch.equal(is_labelled(first), is_labelled(ids))
    assert len(first.unique()) == len(ids.clamp(min=-1).unique())
    known = is_labelled(ids)
    assert not set(first[known].tolist()) & set(second[known].tolist())


@pytest.mark.parametrize('spaces', [[50, 50, 50, 9, 9, 50, 9], [0] * 7])
def test_numbers_are_those_of_the_people_that_were_listed(spaces):
    ids = np.array([3, 1, -2, 3, 1, 7, 2**61])
    identities = IdentityMap(ids, spaces)
    wanted, originals = relabel(ids, spaces)
    assert identities.original_ids.tolist() == originals.tolist()
    placed = [in_space(torch.tensor([i]), s) for i, s in zip(ids.tolist(), spaces, strict=True)]
    found = identities.number(torch.cat(placed))
    assert found.tolist() == wanted.tolist() == identities.numbers.tolist()
    assert len(identities) == len(originals)
    marks = torch.tensor([UNLABELLED, BACKGROUND])
    assert torch.equal(identities.number(marks), marks)


def test_an_identity_that_was_not_listed_is_told():
    for known in ([1, 2], [-1], []):
        identities = IdentityMap(known)
        with pytest.raises(DataError, match='identities the training set did not list'):
            identities.number(torch.tensor([3]))
        assert identities.number(torch.tensor([-1])).tolist() == [-1]
