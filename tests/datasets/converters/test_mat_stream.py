from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from mmps.datasets.converters.mat_stream import decode, split_struct, walk_struct
from mmps.structures import DataError
from mmps.synthetic.matfile import struct_array, write_mat

ENTRY = ('imname', 'idlocate')


@pytest.fixture(scope='module')
def raw():
    spec = importlib.util.spec_from_file_location('raw_mat', Path(__file__).parent / 'raw_mat.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_of(rng, count=5):
    """Random queries with galleries of unequal length and boxes of every kind."""
    rows = []
    for k in range(count):
        entries = []
        for _ in range(rng.integers(1, 6)):
            kind = rng.choice([np.uint8, np.uint16, np.float64])
            shape = (1, rng.choice([0, 4]))
            box = rng.integers(0, 250, shape).astype(kind)
            entries.append({'imname': f's{rng.integers(10**6)}.jpg', 'idlocate': box})
        query = struct_array([{'imname': f's{k}.jpg'}], ('imname',))
        rows.append({'Query': query, 'Gallery': struct_array(entries, ENTRY)})
    return struct_array(rows, ('Query', 'Gallery'))


@pytest.mark.parametrize('seed', range(5))
def test_equal_to_scipy(tmp_path, seed):
    path = tmp_path / 'a.mat'
    write_mat(path, {'Other': np.arange(3), 'T': rows_of(np.random.default_rng(seed))})
    expected = loadmat(path)['T']
    found = list(walk_struct(path, 'X', 'T'))
    assert len(found) == expected.shape[1]
    for fields, row in zip(found, expected[0], strict=True):
        assert list(fields) == ['Query', 'Gallery']
        query = decode(fields['Query'], 'query')
        assert query[0, 0]['imname'] == row['Query'][0, 0]['imname']
        entries = list(split_struct(fields['Gallery'], ENTRY, 'gallery'))
        assert len(entries) == row['Gallery'].shape[1]
        for (name, box), entry in zip(entries, row['Gallery'][0], strict=True):
            assert decode(name, 'name') == entry['imname']
            decoded = decode(box, 'box')
            assert decoded.dtype == entry['idlocate'].dtype
            assert np.array_equal(decoded, entry['idlocate'])


@pytest.mark.parametrize('compress', [True, False])
def test_fields_may_stand_in_any_order(tmp_path, raw, compress):
    box, name = raw.numbers([1, 2, 3, 4], 'u1'), raw.text('s1.jpg')
    gallery = raw.struct_array([(box, name)] * 2, ('idlocate', 'imname'))
    variable = raw.struct_array([(gallery,)], ('Gallery',), b'T')
    raw.write(tmp_path / 'a.mat', variable, compress=compress)
    (fields,) = walk_struct(tmp_path / 'a.mat', 'T')
    assert list(split_struct(fields['Gallery'], ENTRY, 'it')) == [(name, box)] * 2
    assert decode(box, 'box').tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'a.mat is not a readable MATLAB file'),
        (b'MATLAB'.ljust(126) + b'MI' + b'\0' * 50, 'a.mat is not a readable MATLAB file'),
        (b'MATLAB'.ljust(126) + b'IM', r"a.mat holds no struct array 'T'; is it the right file\?"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    (tmp_path / 'a.mat').write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(walk_struct(tmp_path / 'a.mat', 'T'))
    with pytest.raises(DataError, match=r'b\.mat is missing'):
        list(walk_struct(tmp_path / 'b.mat', 'T'))


def test_a_wrong_checksum_is_noticed(tmp_path):
    path = tmp_path / 'a.mat'
    write_mat(path, {'T': rows_of(np.random.default_rng(0))})
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(DataError, match='not a readable MATLAB file'):
        list(walk_struct(path, 'T'))


def test_wrong_fields_and_broken_matrices_are_refused(raw):
    gallery = raw.struct_array([(raw.text('a'),)], ('imname',))
    with pytest.raises(DataError, match='the gallery is not a struct array with imname, idlocate'):
        list(split_struct(gallery, ENTRY, 'the gallery'))
    with pytest.raises(DataError, match='the gallery is not a struct array'):
        list(split_struct(gallery[:-8], ('imname',), 'the gallery'))
    with pytest.raises(DataError, match='the box cannot be decoded'):
        decode(raw.numbers([1], 'u1')[:-8], 'the box')
