from __future__ import annotations

import sys

import pytest

from mmps.gallery import open_gallery
from mmps.gallery.postgresql.address import Address
from mmps.structures import DataError


def test_the_name_of_the_gallery_is_taken_out():
    found = Address.of('postgresql://me:s%40cret@host:5433/db?sslmode=require&gallery=north')
    assert found.name == 'north'
    assert found.connection == 'postgresql://me:s%40cret@host:5433/db?sslmode=require'
    assert found.shown == 'postgresql://me@host:5433/db?sslmode=require&gallery=north'
    assert 'cret' not in repr(found)
    assert Address.of('postgresql://host/db').name == 'mmps'


def test_passwords_among_the_parameters_are_not_shown():
    found = Address.of('postgresql:///db?host=/a/b&password=secret')
    assert found.connection.endswith('host=/a/b&password=secret')
    assert 'secret' not in found.shown


@pytest.mark.parametrize('name', ['North', 'a-b', 'a;drop', '', 'x' * 64, '1a'])
def test_names_that_are_no_identifiers_are_refused(name):
    with pytest.raises(DataError, match='no name of a gallery'):
        Address.of(f'postgresql://host/db?gallery={name}')


def test_a_missing_client_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, 'psycopg', None)
    with pytest.raises(DataError, match=r'pip install .mmps\[postgresql\]'):
        open_gallery('postgresql://host/db')


def test_a_server_that_is_not_there_is_one_sentence():
    pytest.importorskip('psycopg', reason="pip install 'mmps[postgresql]'")
    with pytest.raises(DataError, match='cannot be reached') as raised:
        open_gallery('postgresql://me:secret@127.0.0.1:9/db')
    assert 'secret' not in str(raised.value)
    assert '\n' not in str(raised.value)
    with pytest.raises(DataError, match='postgresql://'):
        open_gallery('mysql://host/db')
