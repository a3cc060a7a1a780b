from __future__ import annotations

import numpy as np
import pytest

from mmps.datasets.converters.matlab import box, elements, load_variable, struct_field, text
from mmps.structures import DataError
from mmps.synthetic.matfile import struct_array, write_mat


def test_matlab_values_are_taken_out_of_their_arrays():
    struct = struct_array([{'a': np.array([['name']])}], ('a',))
    (opened,) = elements(struct, 'it')
    assert text(struct_field(opened, 'a', 'it'), 'it') == 'name'
    assert box(np.array([[200, 100, 100, 50]], np.uint8), 'it') == (200, 100, 100, 50)
    assert sum(box(np.array([[200, 100, 100, 50]], np.uint8), 'it')[::2]) == 300
    assert box(np.zeros((1, 0)), 'it') is None


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: list(elements(np.arange(3), 'it')), 'it is not a struct or cell array'),
        (lambda: struct_field(np.array('x'), 'a', 'it'), "it has no field 'a'"),
        (lambda: text(np.arange(3), 'it'), 'it is not a name'),
        (lambda: text(np.array(['  ']), 'it'), 'it is not a name'),
        (lambda: box(np.arange(3), 'it'), 'it is not a box of four numbers'),
        (lambda: box(np.array(['abcd']), 'it'), 'it is not a box of four numbers'),
    ],
)
def test_other_matlab_values_are_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()


def test_variables_are_looked_for_in_order(tmp_path):
    write_mat(tmp_path / 'a.mat', {'second': np.array([2]), 'third': np.array([3])})
    assert load_variable(tmp_path / 'a.mat', 'first', 'second', 'third').item() == 2
    with pytest.raises(DataError, match=r"a\.mat holds no variable 'x' or 'y'"):
        load_variable(tmp_path / 'a.mat', 'x', 'y')
    with pytest.raises(DataError, match=r'b\.mat is missing'):
        load_variable(tmp_path / 'b.mat', 'x')
