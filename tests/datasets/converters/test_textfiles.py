from __future__ import annotations

import pytest

from mmps.datasets.converters.textfiles import numbers, read_lines, whole
from mmps.structures import DataError


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be'])
def test_lines_of_any_kind(tmp_path, encoding):
    (tmp_path / 'a.txt').write_bytes('one two\r\n\r\n  three \n\n'.encode(encoding))
    found = list(read_lines(tmp_path / 'a.txt'))
    assert [line for _, line in found] == ['one two', 'three']
    assert found[1][0].endswith('a.txt, line 3')
    with pytest.raises(DataError, match=r'b\.txt is missing'):
        list(read_lines(tmp_path / 'b.txt'))


@pytest.mark.parametrize(
    ('data', 'message'), [(b'\xff\xfea', 'UTF-8'), (b'a\0b', 'not a text file')]
)
def test_other_files_are_no_text(tmp_path, data, message):
    (tmp_path / 'a.txt').write_bytes(data)
    with pytest.raises(DataError, match=message):
        list(read_lines(tmp_path / 'a.txt'))


def test_numbers_and_whole_numbers():
    assert numbers(['1', '2.5', 'nan'], 'here')[:2] == [1, 2.5]
    assert whole(3.0, 'here') == 3
    with pytest.raises(DataError, match='here contains something other than numbers'):
        numbers(['x'], 'here')
    for value in (1.5, float('nan'), float('inf')):
        with pytest.raises(DataError, match='instead of a whole number'):
            whole(value, 'here')
