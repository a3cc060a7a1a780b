"""Sizes from headers are those of OpenCV, which our loading transforms decode with."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from mmps.images import picture_size

XMP = (
    b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def encoded(kind, **options):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((20, 50, 3), np.uint8)).save(stream, kind, **options)
    return stream.getvalue()


def decoded_size(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[1::-1]


@pytest.mark.parametrize('kind', ['JPEG', 'PNG'])
@pytest.mark.parametrize('orientation', [None, 0, 1, 3, 5, 6, 7, 8, 9])
def test_size_after_the_rotation(kind, orientation):
    exif = Image.Exif()
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    data = encoded(kind, exif=exif)
    assert picture_size(io.BytesIO(data)) == decoded_size(data)


@pytest.mark.parametrize('segment', [XMP, b'Exif\0\0nonsense', b'Exif\0\0II*\0\xff\xff\xff\0'])
def test_what_opencv_does_not_turn_by(segment):
    data = encoded('JPEG')
    data = data[:2] + b'\xff\xe1' + (len(segment) + 2).to_bytes(2, 'big') + segment + data[2:]
    assert picture_size(io.BytesIO(data)) == decoded_size(data) == (50, 20)


def test_a_path_serves_too(tmp_path):
    (tmp_path / 'a.png').write_bytes(encoded('PNG'))
    assert picture_size(tmp_path / 'a.png') == (50, 20)
