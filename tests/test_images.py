"""Sizes from headers are those of the decoded images, and whole images are told from cut ones."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from mmps import images
from mmps.images import decode, image_size, image_suffixes, jpeg_end, read_image, used_bits
from mmps.structures import DataError

XMP = (
    b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)
END = b'\xff\xd9'


def pixels(height=20, width=50):
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (3, 3), 1)


def encoded(kind, image=None, **options):
    stream = io.BytesIO()
    image = Image.fromarray(pixels()) if image is None else image
    image.save(stream, kind, **options)
    return stream.getvalue()


def with_segment(jpeg, content, mark=b'\xff\xe1', place=2):
    segment = mark + (len(content) + 2).to_bytes(2, 'big') + content
    return jpeg[:place] + segment + jpeg[place:]


def decoded_size(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[1::-1]


@pytest.mark.parametrize('kind', ['JPEG', 'PNG'])
def test_size_after_the_rotation(kind):
    for orientation in [None, 0, 1, 3, 5, 6, 7, 8, 9]:
        exif = Image.Exif()
        if orientation is not None:
            exif[ExifTags.Base.Orientation] = orientation
        data = encoded(kind, exif=exif)
        assert image_size(io.BytesIO(data)) == decoded_size(data)


@pytest.mark.parametrize('segment', [XMP, b'Exif\0\0nonsense', b'Exif\0\0II*\0\xff\xff\xff\0'])
@pytest.mark.filterwarnings('ignore:Corrupt EXIF')
def test_what_opencv_does_not_turn_by(segment):
    data = with_segment(encoded('JPEG'), segment)
    assert image_size(io.BytesIO(data)) == decoded_size(data) == (50, 20)


def test_a_path_serves_too(tmp_path):
    (tmp_path / 'a.png').write_bytes(encoded('PNG'))
    assert image_size(tmp_path / 'a.png') == (50, 20)


# The end of a JPEG


def coded(*options):
    return cv2.imencode('.jpg', pixels(64, 96), options)[1].tobytes()


def split_scan():
    """A progressive file with a segment between scans that holds an end mark."""
    data = coded(cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    return with_segment(data, b'x' + END + b'x', b'\xff\xfe', data.rindex(b'\xff\xda'))


JPEGS = {
    'baseline': coded,
    'progressive': lambda: coded(cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    'restart marks': lambda: coded(cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
    'fine': lambda: coded(cv2.IMWRITE_JPEG_QUALITY, 100),
    'thumbnail': lambda: with_segment(coded(), b'Exif\0\0' + coded()),
    'end mark between scans': split_scan,
    'fill bytes': lambda: coded()[:-2] + b'\xff\xff\xff' + END,
    'fill bytes before a segment': lambda: with_segment(coded(), b'a').replace(
        b'\xff\xe1', b'\xff\xff\xff\xe1', 1
    ),
}


@pytest.mark.parametrize('kind', JPEGS)
def test_a_jpeg_cut_anywhere_is_refused(kind, tmp_path):
    data = JPEGS[kind]()
    assert jpeg_end(data) == len(data)
    assert [cut for cut in range(2, len(data)) if jpeg_end(data[:cut])] == []
    for cut in (2, len(data) // 3, len(data) - 1, *range(3, len(data), 211)):
        with pytest.raises(DataError, match=r'cut\.jpg is no readable image, or cut short'):
            decode(data[:cut], tmp_path / 'cut.jpg')


@pytest.mark.parametrize('kind', JPEGS)
def test_data_behind_the_end_change_nothing(kind, tmp_path):
    data = JPEGS[kind]()
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    film = b'ftypmp42' + bytes(5000)
    for appended in (b'\0', bytes(1023), bytes(70_000), END, b'\0' * 2000 + END, film):
        noise = np.random.default_rng(len(appended)).bytes(3000)
        for rest in (appended, appended + noise, noise + data):
            assert jpeg_end(data + rest) == len(data)
            np.testing.assert_array_equal(decode(data + rest, tmp_path), expected)


def test_an_image_that_does_not_fit_into_memory_is_told_so(tmp_path):
    with pytest.raises(DataError, match=r'wide\.ppm does not fit into memory: save it smaller'):
        decode(b'P6\n2000000000 2000000000\n255\n', tmp_path / 'wide.ppm')


def test_a_cut_file_that_was_padded_is_refused(tmp_path):
    data = coded()
    for rest in (bytes(5000), bytes(100)):
        with pytest.raises(DataError, match='cut short'):
            decode(data[: len(data) // 2] + rest, tmp_path)


def test_several_images_in_one_file_are_the_first(tmp_path):
    first, second = Image.fromarray(pixels()), Image.fromarray(255 - pixels())
    data = encoded('MPO', first, save_all=True, append_images=[second])
    assert np.abs(decode(data, tmp_path)[..., ::-1].astype(int) - pixels()).mean() < 20
    assert jpeg_end(data) < len(data)


# Very large images


def png_header(width, height):
    def chunk(name, content):
        checksum = struct.pack('>I', zlib.crc32(name + content))
        return struct.pack('>I', len(content)) + name + content + checksum

    header = struct.pack('>IIBBBBB', width, height, 1, 0, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', b'') + chunk(b'IEND', b'')


def test_headers_of_very_large_images_are_read_without_a_warning():
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for size in ((20_000, 9_000), (12_000, 9_000), (1_000_000, 500_000)):
            assert image_size(io.BytesIO(png_header(*size))) == size
    assert limit == Image.MAX_IMAGE_PIXELS


def test_very_large_images_of_pillows_formats_are_decoded(monkeypatch, tmp_path):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 10)
    data = encoded('PCX')
    assert decode(data, tmp_path).shape[1::-1] == image_size(io.BytesIO(data)) == (50, 20)


def test_the_limit_of_other_programs_outlives_threads():
    data, limit = encoded('PNG'), Image.MAX_IMAGE_PIXELS
    with ThreadPoolExecutor(8) as pool:
        sizes = set(pool.map(lambda _: image_size(io.BytesIO(data)), range(400)))
    assert sizes == {(50, 20)}
    assert limit == Image.MAX_IMAGE_PIXELS


# Formats

LOSSLESS = ('BMP', 'DDS', 'DIB', 'IM', 'JPEG2000', 'PCX', 'PNG', 'PPM', 'QOI', 'SGI', 'TGA', 'TIFF')


@pytest.mark.parametrize('kind', LOSSLESS)
def test_every_format_of_opencv_or_pillow_is_read(kind, tmp_path):
    path = tmp_path / 'named.jpg'
    path.write_bytes(encoded(kind))
    np.testing.assert_array_equal(read_image(path), pixels()[..., ::-1])
    assert image_size(path) == (50, 20)


MODES = ('1', 'L', 'LA', 'P', 'RGBA', 'CMYK', 'I;16', 'I', 'F')


def in_modes(kind):
    """Encode in every mode that Pillow writes of a format."""
    image = Image.fromarray(pixels())
    grey = Image.fromarray(np.asarray(image.convert('L')).astype(np.uint16) * 257)
    for mode in MODES:
        with contextlib.suppress(OSError, ValueError, KeyError):
            yield mode, encoded(kind, grey if mode == 'I;16' else image.convert(mode))


def header_size(data):
    try:
        return image_size(io.BytesIO(data))
    except OSError:
        return None


@pytest.mark.parametrize('kind', [*LOSSLESS, 'AVIF', 'GIF', 'ICO', 'SPIDER', 'WEBP', 'XBM'])
def test_header_and_decoder_agree_on_what_is_readable(kind, tmp_path):
    for mode, data in in_modes(kind):
        try:
            decoded = decode(data, tmp_path).shape[1::-1]
        except DataError:
            assert kind == 'SPIDER' or mode == 'F'
            decoded = None
        assert header_size(data) == decoded, mode


@pytest.mark.parametrize('compression', ['zstd', 'lzma', 'tiff_lzw', 'group4'])
def test_compressions_of_tiff(compression, tmp_path):
    image = Image.fromarray(pixels()).convert('1' if compression == 'group4' else 'RGB')
    expected = np.asarray(image.convert('RGB'))[..., ::-1]
    data = encoded('TIFF', image, compression=compression)
    np.testing.assert_array_equal(decode(data, tmp_path), expected)


def test_a_format_of_opencv_alone_has_a_size():
    data = cv2.imencode('.hdr', pixels().astype(np.float32) / 255)[1].tobytes()
    assert image_size(io.BytesIO(data)) == (50, 20)


@pytest.mark.parametrize('kind', ['PNG', 'WEBP', 'TIFF'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_pillow_turns_as_opencv_does(kind, orientation, monkeypatch, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = encoded(kind, exif=exif, **({'lossless': True} if kind == 'WEBP' else {}))
    expected = decode(data, tmp_path)
    monkeypatch.setattr(images, '_opencv', lambda *_: None)
    np.testing.assert_array_equal(decode(data, tmp_path), expected)
    assert image_size(io.BytesIO(data)) == expected.shape[1::-1]


@pytest.mark.parametrize(
    'content',
    [b'', b'<html><body>404</body></html>', b'version https://git-lfs.github.com/spec/v1\n',
     b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 20\n', b'Pf\n2 2\n-1.0\n' + bytes(16)],
    ids=['empty', 'html', 'pointer', 'postscript', 'floats'],
)  # fmt: skip
def test_what_is_no_image_is_refused_by_both(content, tmp_path):
    with pytest.raises(DataError, match='is no readable image'):
        decode(content, tmp_path / 'a.jpg')
    assert header_size(content) is None


def test_images_of_phones_that_are_not_read_are_named(tmp_path):
    data = b'\0\0\0\x18ftypheic\0\0\0\0mif1heic' + bytes(500)
    with pytest.raises(DataError, match=r'a\.heic is an HEIC file, .* save it as JPEG'):
        decode(data, tmp_path / 'a.heic')


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'GIF', 'TIFF', 'BMP', 'WEBP', 'DDS', 'ICO'])
@pytest.mark.filterwarnings('ignore')
def test_a_broken_header_is_an_os_error(kind):
    data = bytearray(encoded(kind))
    generator = np.random.default_rng(0)
    for _ in range(100):
        broken = bytearray(data)
        for place in generator.integers(0, min(len(data), 80), 4):
            broken[place] = generator.integers(256)
        assert header_size(bytes(broken)) is None or len(header_size(bytes(broken))) == 2


def test_folders_are_searched_for_all_formats():
    assert {'.jpg', '.jpeg', '.png', '.webp', '.tiff', '.bmp', '.avif', '.jp2'} <= image_suffixes()
    assert not {'.pdf', '.eps', '.mpg', '.txt', '.json', '.db', '.mp4'} & image_suffixes()


# 16 bits


@pytest.fixture
def unreported():
    images._dark.clear()
    yield
    images._dark.clear()


def deep(bits, suffix='.png'):
    grey = np.linspace(0, 2**bits - 1, 64 * 64).reshape(64, 64).astype(np.uint16)
    lossless = (cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000) if suffix == '.jp2' else ()
    return cv2.imencode(suffix, grey, lossless)[1].tobytes()


@pytest.mark.parametrize('suffix', ['.png', '.tiff', '.jp2'])
@pytest.mark.parametrize('bits', [9, 10, 12, 14, 16])
def test_a_16_bit_file_that_uses_fewer_is_named_once(bits, suffix, tmp_path, unreported):
    data = deep(bits, suffix)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        for name in ('first', 'second'):
            image = decode(data, tmp_path / name)
    assert image.max() == (2**bits - 1) >> 8
    expected = [] if bits == 16 else [f'first has 16 bits per channel and uses {bits} of them']
    assert len(caught) == len(expected)
    assert all(part in str(warning.message) for part, warning in zip(expected, caught, strict=True))


def test_dark_images_of_8_bits_and_black_ones_are_no_concern(tmp_path):
    for data in (deep(0), encoded('PNG', Image.fromarray(pixels() // 40)), encoded('JPEG')):
        assert used_bits(data, decode(data, tmp_path)) is None


@pytest.mark.parametrize('white', [100, 255, 1023, 4095, 65535])
@pytest.mark.parametrize('comment', [b'', b'# drawn\n'])
def test_portable_maps_say_which_value_is_white(white, comment, tmp_path):
    grey = np.linspace(0, white, 20 * 50).reshape(20, 50).round()
    samples = grey.astype('>u2' if white > 255 else 'u1').tobytes()
    image = decode(b'P5\n%s50 20\n%d\n' % (comment, white) + samples, tmp_path)
    np.testing.assert_allclose(image[..., 0], grey / white * 255, atol=1)
