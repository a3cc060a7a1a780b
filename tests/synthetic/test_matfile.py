from __future__ import annotations

import numpy as np
import pytest
from scipy.io import loadmat

from mmps.synthetic import matfile


def test_bytes_do_not_depend_on_the_clock(tmp_path, monkeypatch):
    monkeypatch.setattr('time.asctime', lambda *_: 'Thu Jan  1 00:00:00 1970')
    matfile.write_mat(tmp_path / 'first/a.mat', {'x': np.arange(3)})
    monkeypatch.setattr('time.asctime', lambda *_: 'Fri Feb  2 11:11:11 2035')
    matfile.write_mat(tmp_path / 'second/a.mat', {'x': np.arange(3)})
    data = (tmp_path / 'first/a.mat').read_bytes()
    assert data == (tmp_path / 'second/a.mat').read_bytes()
    assert data.startswith(b'MATLAB 5.0 MAT-file')
    assert loadmat(tmp_path / 'first/a.mat')['x'].tolist() == [[0, 1, 2]]


def test_struct_arrays_and_cells_come_back(tmp_path):
    struct = matfile.struct_array([{'a': 'x', 'b': 1}, {'a': 'y', 'b': 2}], ('a', 'b'))
    matfile.write_mat(tmp_path / 'a.mat', {'s': struct, 'c': matfile.cell_column(['p', 'q'])})
    content = loadmat(tmp_path / 'a.mat')
    assert content['s'].shape == (1, 2)
    assert content['s'].dtype.names == ('a', 'b')
    assert content['s'][0, 1]['a'][0] == 'y'
    assert content['c'].shape == (2, 1)
    assert content['c'][1, 0][0] == 'q'


@pytest.mark.parametrize(
    ('values', 'dtype'), [([255, 0], np.uint8), ([256, 0], np.uint16), ([], np.uint8)]
)
def test_smallest_unsigned(values, dtype):
    assert matfile.smallest_unsigned(np.array(values)).dtype == dtype
