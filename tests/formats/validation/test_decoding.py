from __future__ import annotations

import os

import cv2
import numpy as np
import pytest
from PIL import Image

from mmps.formats.validation import decoding, validate
from mmps.structures import DataError

SIZE = (60, 40)


def smooth():
    noise = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (9, 9), 3)


@pytest.fixture
def folder(tmp_path):
    """Whole images, and every way in which one can be broken below its header."""
    jpeg = cv2.imencode('.jpg', smooth())[1].tobytes()
    png = cv2.imencode('.png', smooth())[1].tobytes()
    contents = {
        'whole.jpg': jpeg,
        'whole.png': png,
        'cut.jpg': jpeg[: len(jpeg) // 2],
        'cut.png': png[: len(png) // 2],
        'empty.jpg': b'',
        'filled up.jpg': jpeg[: len(jpeg) // 2] + b'\xff\xd9',
    }
    (tmp_path / 'a').mkdir()
    for name, content in contents.items():
        (tmp_path / 'a' / name).write_bytes(content)
    turned = Image.fromarray(smooth())
    exif = turned.getexif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees, as OpenCV reads it
    turned.save(tmp_path / 'a' / 'turned.jpg', exif=exif)
    return tmp_path


def listing(*names):
    width, height = SIZE
    images = [
        {'id': k, 'file_name': f'a/{name}', 'width': width, 'height': height}
        for k, name in enumerate(names)
    ]
    person = {'id': 1, 'image_id': 0, 'category_id': 1, 'bbox': [1, 2, 10, 20]}
    return {
        'images': images,
        'annotations': [person] if images else [],
        'categories': [{'id': 1, 'name': 'person'}],
    }


def found(folder, *names, workers=1):
    return [
        (problem.kind, problem.where, problem.is_error)
        for problem in validate(listing(*names), folder, decode_workers=workers)
    ]


def test_whole_images_have_no_problem(folder):
    assert found(folder, 'whole.jpg', 'whole.png') == []


@pytest.mark.parametrize('name', ['cut.jpg', 'cut.png', 'empty.jpg'])
def test_an_image_without_its_end_is_an_error_that_headers_do_not_show(folder, name):
    ((kind, where, is_error),) = found(folder, name)
    assert (kind, is_error) == ('an image is broken or cut short', True)
    assert where.startswith(f'a/{name} (')
    if name != 'empty.jpg':
        assert validate(listing(name), folder) == []


def test_what_a_decoder_had_to_guess_is_a_warning(folder, capfd):
    ((kind, where, is_error),) = found(folder, 'filled up.jpg')
    assert (kind, is_error) == ('an image is damaged, and only partly decoded', False)
    assert 'premature end of data' in where
    assert capfd.readouterr().err == ''


def test_data_behind_the_end_are_no_problem(folder):
    film = (folder / 'a/whole.jpg').read_bytes() + b'ftypmp42' + bytes(5000)
    (folder / 'a/film.jpg').write_bytes(film)
    assert found(folder, 'film.jpg') == validate(listing('film.jpg'), folder) == []


def test_every_format_is_read_and_dark_16_bit_files_are_a_warning(folder):
    Image.fromarray(smooth()).save(folder / 'a/windows.pcx')
    grey = np.linspace(0, 4095, SIZE[0] * SIZE[1]).reshape(SIZE[::-1]).astype(np.uint16)
    for name, image in (('dark 1.png', grey), ('dark 2.png', grey), ('bright.png', grey * 16)):
        cv2.imwrite(str(folder / 'a' / name), image)
    kind = 'an image has 16 bits and uses fewer, so it is loaded nearly black'
    assert found(folder, 'windows.pcx', 'dark 1.png', 'dark 2.png', 'bright.png') == [
        (kind, 'a/dark 1.png (12 bits)', False),
        (kind, 'a/dark 2.png (12 bits)', False),
    ]


def test_the_size_is_that_of_the_decoded_image(folder):
    expected = 'a/turned.jpg (decoded 40x60, annotation 60x40)'
    assert found(folder, 'turned.jpg') == [('an image has another size', expected, True)]


def test_the_header_tells_the_same_size(folder):
    (problem,) = validate(listing('turned.jpg'), folder)
    assert problem.kind == 'an image has another size'
    assert problem.where == 'a/turned.jpg (file 40x60, annotation 60x40)'


def test_a_missing_image_is_told_as_without_decoding(folder):
    expected = [(f'an image is missing under {folder}', 'a/none.jpg', True)]
    assert found(folder, 'none.jpg') == expected


def test_the_number_of_processes_does_not_change_the_result(folder):
    names = sorted(path.name for path in (folder / 'a').iterdir())
    assert len(found(folder, *names)) == 5
    assert found(folder, *names, workers=3) == found(folder, *names)


def test_progress_sees_every_image(folder):
    seen = []

    def progress(pictures, total):
        for picture in pictures:
            seen.append(total)
            yield picture

    validate(listing('whole.jpg', 'whole.png'), folder, None, progress, 1)
    assert seen == [2, 2]


def test_a_killed_process_is_told(folder, monkeypatch):
    monkeypatch.setattr(decoding, '_catch_complaints', lambda: os._exit(1))
    with pytest.raises(DataError, match=r'was killed, .* use fewer processes \(--workers\)'):
        found(folder, 'whole.jpg')


def test_an_image_that_does_not_fit_into_memory_is_told_so(folder):
    (folder / 'a/wide.ppm').write_bytes(b'P6\n2000000000 2000000000\n255\n')
    where = 'a/wide.ppm (it does not fit into memory)'
    assert ('an image is broken or cut short', where, True) in found(folder, 'wide.ppm')
