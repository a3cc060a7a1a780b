from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from mmps.formats.json_files import read_json
from mmps.structures import DataError


def zipped(content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        archive.writestr('train.json', content)
    return stream.getvalue()


OTHERS = {
    'gzip': (gzip.compress(b'{"images": []}'), 'is no JSON (it is compressed): unpack it'),
    'zip': (zipped('{}'), 'is no JSON (it is an archive): unpack it, and give the JSON file'),
    'page': (b'\n<!DOCTYPE html><html>', 'is no JSON (it is a web page): download the file itself'),
    'XML': (b'<?xml version="1.0"?><a/>', 'is no JSON (it is XML): export it as COCO JSON'),
    'pointer': (b'version https://git-lfs.github.com/spec/v1', 'Git LFS): fetch the file by git'),
    'empty': (b' \n', 'is no JSON (it is empty): export or convert it again'),
    'cut': (b'{"images": [{"id": 1}, {"id"', 'is no JSON (it is cut short): export or convert'),
    'zeros at its end': (b'{"images": []}\0\0', 'is no JSON (it is cut short): export or convert'),
    'Latin-1': ('{"a": "ü"}'.encode('latin-1'), 'no text in UTF-8 or UTF-16): save it in UTF-8'),
    'a comma': (b'{"a": 1,}', 'line 1 column 9 (char 8)): export or convert it again'),
    'two values': (b'{"id": 1}\n{"id": 2}', 'Extra data: line 2 column 1'),
}


@pytest.mark.parametrize(('data', 'words'), OTHERS.values(), ids=OTHERS)
def test_what_is_no_json_is_named_with_its_cure(tmp_path, data, words):
    path = tmp_path / 'train.json'
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_json(path)
    assert words in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_a_folder_is_called_so(tmp_path):
    with pytest.raises(DataError, match='is a folder: convert'):
        read_json(tmp_path)


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-be', 'utf-32'])
def test_unicode(tmp_path, encoding):
    path = tmp_path / 'a.json'
    path.write_text('{"name": "Süd 图"}', encoding)
    assert read_json(path) == {'name': 'Süd 图'}
