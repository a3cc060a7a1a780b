from __future__ import annotations

import sys

import pytest

from mmps.gallery import Where, open_gallery
from mmps.gallery.milvus.address import Address
from mmps.gallery.milvus.conditions import expression, is_empty
from mmps.structures import DataError


def test_an_address_names_server_gallery_and_index():
    found = Address.of('milvus+http://me:s%40cret@host:19530/people?index=hnsw')
    assert (found.server, found.name, found.index) == ('http://host:19530', 'people', 'HNSW')
    assert found.token == 'me:s@cret'
    assert found.shown == 'milvus+http://me@host:19530/people?index=hnsw'
    assert 'cret' not in repr(found)
    assert Address.of('milvus+https://host/people').index == 'FLAT'
    for name in ('', 'a-b', '1a', 'a/b'):
        with pytest.raises(DataError, match='no name of a gallery'):
            Address.of(f'milvus+http://host/{name}')


def test_a_missing_client_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pymilvus', None)
    with pytest.raises(DataError, match=r'pip install .mmps\[milvus\]'):
        open_gallery('milvus+http://host/people')


def test_conditions_are_written_as_expressions():
    assert expression(None) == ''
    where = Where(cameras=['a "b" é'], since=1.5, min_score=0.1, not_ids=[])
    assert expression(where) == (
        'camera in ["a \\"b\\" é"] and time >= 1.5 and score >= 0.10000000149011612'
    )
    assert expression(Where(ids=[2**62])) == f'id in [{2**62}]'
    assert is_empty(Where(cameras=[]))
    assert not is_empty(Where(not_ids=[]))
