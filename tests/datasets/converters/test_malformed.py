"""Broken inputs: each ends in one clear sentence, or in a logged repair.

One of each kind of file and failure; all combinations are tried in minutes, by ``--long``.
"""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
from scipy.io import loadmat

from mmps.datasets.converters import (
    Converter,
    citypersons,
    coco_person,
    crowdhuman,
    cuhk_sysu,
    mot17_det,
    mot_tracks,
    prw,
    wider_pedestrian,
)
from mmps.datasets.converters.command_line import report
from mmps.formats.structure import check_references, check_structure
from mmps.synthetic import Recipe, make
from mmps.synthetic.matfile import cell_column, struct_array, write_mat

MODULES = {
    'cuhk_sysu': cuhk_sysu,
    'prw': prw,
    'mot17_det': mot17_det,
    'wider_pedestrian': wider_pedestrian,
    'crowdhuman': crowdhuman,
    'citypersons': citypersons,
    'coco_person': coco_person,
    'mot_tracks': mot_tracks,
}
DRAWN = ('cuhk_sysu', 'prw', 'mot17_det', 'wider_pedestrian')
TRAIN_TEST = 'annotation/test/train_test'
BINARY_FILES = [
    ('cuhk_sysu', 'annotation/Images.mat'),
    ('cuhk_sysu', 'annotation/pool.mat'),
    ('cuhk_sysu', f'{TRAIN_TEST}/Train.mat'),
    ('cuhk_sysu', f'{TRAIN_TEST}/TestG50.mat'),
    ('cuhk_sysu', 'annotation/test/subset/Occlusion.mat'),
    ('prw', 'frame_train.mat'),
    ('prw', 'frame_test.mat'),
    ('prw', 'annotations/*.mat'),
    ('citypersons', 'annotations/anno_train.mat'),
]
TEXT_FILES = [
    ('prw', 'query_info.txt'),
    ('mot17_det', 'train/MOT17-02/gt/gt.txt'),
    ('mot_tracks', 'MOT17-02/gt/gt.txt'),
    ('wider_pedestrian', 'train_annotations.txt'),
    ('wider_pedestrian', 'pedestrian_ignore_part_val.txt'),
    ('crowdhuman', 'annotation_train.odgt'),
    ('coco_person', 'annotations/instances_train2017.json'),
]


@pytest.fixture(scope='module')
def sources(tmp_path_factory):
    """A small set in every layout, and what its conversion gives."""
    base = tmp_path_factory.mktemp('sources')
    for layout in DRAWN:
        make(base / layout, Recipe(layout, 'a', 2, 12, 4), workers=2)
    shutil.copytree(base / 'mot17_det/train', base / 'mot_tracks')
    picture = next((base / 'cuhk_sysu/Image/SSM').iterdir())
    for layout, name in (
        ('crowdhuman', 'Images/1,a.jpg'),
        ('citypersons', 'leftImg8bit/train/bonn/a.png'),
        ('coco_person', 'train2017/a.jpg'),
    ):
        (base / layout / name).parent.mkdir(parents=True)
        shutil.copy(picture, base / layout / name)
    write_others(base)
    pristine = {
        layout: outputs(convert(layout, base / layout, base / 'out' / layout)[1])
        for layout in MODULES
    }
    return base, pristine


def write_others(base):
    box = {'tag': 'person', 'fbox': [5, 6, 70, 80], 'extra': {}}
    text = json.dumps({'ID': '1,a', 'gtboxes': [box]}) + '\n'
    (base / 'crowdhuman/annotation_train.odgt').write_text(text)
    rows = np.array([[1, 10, 20, 30, 60, 7, 10, 20, 30, 60]], np.uint8)
    city = struct_array(
        [{'cityname': 'bonn', 'im_name': 'a.png', 'bbs': rows}], ('cityname', 'im_name', 'bbs')
    )
    write_mat(
        base / 'citypersons/annotations/anno_train.mat', {'anno_train_aligned': cell_column([city])}
    )
    (base / 'coco_person/annotations').mkdir()
    content = {
        'categories': [{'id': 1, 'name': 'person'}],
        'images': [{'id': 9, 'file_name': 'a.jpg'}],
        'annotations': [{'image_id': 9, 'category_id': 1, 'bbox': [1, 2, 30, 40]}],
    }
    (base / 'coco_person/annotations/instances_train2017.json').write_text(json.dumps(content))


def write_city(root, rows):
    record = {'cityname': 'bonn', 'im_name': 'a.png', 'bbs': rows}
    cells = cell_column([struct_array([record], tuple(record))])
    write_mat(root / 'annotations/anno_train.mat', {'anno_train_aligned': cells})


def convert(layout, root, out_dir):
    module = MODULES[layout]
    code = report(Converter(module.NAME, module.parse), root, out_dir, strict=False)
    return code, out_dir


def outputs(out_dir):
    return {path.name: path.read_bytes() for path in out_dir.iterdir() if path.suffix == '.json'}


@pytest.fixture
def check(sources, tmp_path, capsys):
    """Break a copy of a set, convert it and see that nothing worse than one sentence comes out."""
    base, pristine = sources

    def run(layout, change):
        root = tmp_path / layout
        for former in (root, tmp_path / 'out'):
            shutil.rmtree(former, ignore_errors=True)
        shutil.copytree(base / layout, root, copy_function=os.link)
        change(root)
        capsys.readouterr()
        code, out_dir = convert(layout, root, tmp_path / 'out')
        message = capsys.readouterr().err.strip()
        if code == 2:
            assert message.count('\n') == 0
            assert str(root) in message, message
            assert not out_dir.exists()
            return message
        assert code == 0
        log = (out_dir / 'conversion.log').read_text()
        for name, data in outputs(out_dir).items():
            content = json.loads(data)
            assert not [*check_structure(content), *check_references(content)], name
            assert all(min(a['bbox'][2:]) > 0 for a in content['annotations'])
        assert log or outputs(out_dir) == pristine[layout], 'changed without a word'
        assert not [path for path in out_dir.iterdir() if path.name.startswith('.')]
        return log

    return run


def first(root, pattern):
    return sorted(root.glob(pattern))[0]


def rewrite(path, data):
    path.unlink()  # the file is a link to the source's
    path.write_bytes(data)


def damage(kind, data):
    rng = np.random.default_rng(0)
    if kind.startswith('flipped'):
        place = int(128 + (len(data) - 129) * float(kind.split()[1]))
        return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]
    return {
        'empty': b'',
        'header only': data[:128],
        'half': data[: len(data) // 2],
        'without the end': data[:-7],
        'noise': rng.bytes(500),
        'header and noise': data[:128] + rng.bytes(500),
        'web page': b'<html><body>404</body></html>',
    }[kind]


FLIPS = [f'flipped {share}' for share in (0.01, 0.03, 0.1, 0.3, 0.6, 0.9, 1.0)]
DAMAGES = (
    'empty',
    'header only',
    'half',
    'without the end',
    'noise',
    'header and noise',
    'web page',
)


CONTENTS = (
    b'\xff\xfe\x00',
    b'\x00\x00',
    b'a b c d e f\n',
    b'1,2,3\n',
    b'{"a": 1}\n',
    b'[]',
    b'null\n',
    b'nan ' * 6,
)


def damaged(layout, pattern, kind):
    """A change that damages a file."""

    def change(root):
        path = first(root, pattern)
        rewrite(path, damage(kind, path.read_bytes()))

    return layout, change


def replaced(layout, pattern, data):
    """A change that gives a file other content, or puts a folder in its place, or nothing."""

    def change(root):
        path = first(root, pattern)
        path.unlink()
        if data == 'a folder':
            path.mkdir()
        elif data != 'nothing':
            path.write_bytes(data)

    return layout, change


@pytest.mark.parametrize('kind', [*DAMAGES, *FLIPS])
def test_damages_of_a_matlab_file(check, kind):
    assert '.mat' in check(*damaged(*BINARY_FILES[0], kind))


@pytest.mark.parametrize(('layout', 'pattern'), BINARY_FILES[1:])
def test_damaged_matlab_files(check, layout, pattern):
    for kind in ('half', 'flipped 0.3'):
        assert '.mat' in check(*damaged(layout, pattern, kind))


@pytest.mark.parametrize(('layout', 'pattern'), [*BINARY_FILES, *TEXT_FILES])
def test_files_that_are_not_there(check, layout, pattern):
    for instead in ('nothing', 'a folder'):
        check(*replaced(layout, pattern, instead))


@pytest.mark.parametrize(('layout', 'pattern'), TEXT_FILES)
def test_text_files_of_other_content(check, layout, pattern):
    for data in CONTENTS[::3]:
        check(*replaced(layout, pattern, data))


@pytest.mark.long
def test_any_damage_to_any_file(check):
    noise = np.random.default_rng(1)
    for layout, pattern in BINARY_FILES:
        for kind in (*DAMAGES, *FLIPS, *(f'flipped {share}' for share in noise.random(40))):
            assert '.mat' in check(*damaged(layout, pattern, kind)), (pattern, kind)
    for layout, pattern in (*BINARY_FILES, *TEXT_FILES):
        for data in (*CONTENTS, *(noise.bytes(20 * k) for k in range(20))):
            check(*replaced(layout, pattern, data))


BROKEN_LINES = {
    ('prw', 'query_info.txt'): """
        7 1 2 3
        7 a b c d c1s1_000151
        999 1 2 3 4 c1s1_000151
        nan 1 2 3 4 c9s9_999999
        7 1 2 3 4 5 6
    """,
    ('mot17_det', 'train/MOT17-02/gt/gt.txt'): """
        1,2,3
        1,1,nan,1,2,3,1,1,1
        1,1,5,5,-3,4,1,1,1
        1,1,5,5,0,4,1,1,1
        99999,1,5,5,3,4,1,1,1
        1.5,1,5,5,3,4,1,1,1
        1,1,1e300,5,3,4,1,1,1
        a,b,c,d,e,f,g,h,i
        1,1,5,5,inf,4,1,1,1
        1;1;5;5;3;4;1;1;1
        inf,1,5,5,3,4,1,1,1
        1,1,5,5,3,4,1,x,1
    """,
    ('wider_pedestrian', 'train_annotations.txt'): """
        img00001.jpg 1 5 5
        img00001.jpg 1 a 5 5 5
        img00001.jpg 1 5 5 -5 5
        img00001.jpg 1 5 5 0 5
        img00001.jpg 1 5 5 nan 5
        img00001.jpg 9 5 5 5 5
        img77777.jpg 1 5 5 5 5
        img00001.jpg 1 5 5 1e99 5
    """,
    ('crowdhuman', 'annotation_train.odgt'): """
        {
        {}
        [1]
        7
        {"ID": "1,a", "gtboxes": 5}
        {"ID": "1,a", "gtboxes": [{}]}
        {"ID": "1,a", "gtboxes": [{"fbox": [1, 2, 3]}]}
        {"ID": "1,a", "gtboxes": [{"fbox": ["a", 2, 3, 4]}]}
        {"ID": "1,a", "gtboxes": [{"fbox": [1, 2, 3, 4], "extra": 3}]}
        {"ID": "1,a", "gtboxes": []}
        {"ID": "b", "gtboxes": []}
        {"ID": "c", "gtboxes": [{"tag": "person", "fbox": [1, 2, -3, 4]}]}
    """,
}
LINES = [
    (layout, name, line.strip())
    for (layout, name), lines in BROKEN_LINES.items()
    for line in lines.strip().splitlines()
]


@pytest.mark.parametrize(('layout', 'name', 'line'), LINES)
def test_broken_lines(check, layout, name, line):
    def change(root):
        path = root / name
        rewrite(path, path.read_bytes() + line.encode() + b'\n')

    assert check(layout, change)


def change_struct(path, variable, change):
    content = loadmat(path)[variable]
    content = change(content)
    path.unlink()
    write_mat(path, {variable: content})


def with_box(value):
    def change(images):
        images[0, 0]['box'][0, 0]['idlocate'] = value
        return images

    return change


def without_field(name):
    def change(array):
        fields = [field for field in array.dtype.names if field != name]
        rows = [{field: row[field] for field in fields} for row in array.ravel()]
        return struct_array(rows, tuple(fields))

    return change


IMAGES_MAT = {
    'NaN': with_box(np.array([[np.nan, 1, 2, 3]])),
    'negative width': with_box(np.array([[5, 5, -3, 9]])),
    'zero height': with_box(np.array([[5, 5, 3, 0]])),
    'huge': with_box(np.array([[5, 5, 3e30, 9]])),
    'three numbers': with_box(np.array([[5, 5, 3]])),
    'text': with_box('box'),
    'empty box': with_box(np.zeros((1, 0))),
    'no names': without_field('imname'),
    'no boxes': without_field('box'),
    'numbers only': lambda _: np.arange(5.0),
    'text only': lambda _: 'abc',
    'nothing': lambda _: np.zeros((0, 0)),
    'one image twice': lambda images: np.concatenate([images, images[:, :1]], axis=1),
    'one image only': lambda images: images[:, :1],
}


@pytest.mark.parametrize('change', IMAGES_MAT.values(), ids=IMAGES_MAT)
def test_wrong_structures_in_images_mat(check, change):
    assert check(
        'cuhk_sysu', lambda root: change_struct(root / 'annotation/Images.mat', 'Img', change)
    )


PROTOCOLS = {
    'no query': without_field('Query'),
    'no gallery': without_field('Gallery'),
    'numbers only': lambda _: np.arange(5.0),
    'nothing': lambda _: np.zeros((0, 0)),
}


@pytest.mark.parametrize('change', PROTOCOLS.values(), ids=PROTOCOLS)
def test_wrong_structures_in_a_protocol(check, change):
    path = f'{TRAIN_TEST}/TestG50.mat'
    assert 'TestG50.mat' in check(
        'cuhk_sysu', lambda root: change_struct(root / path, 'TestG50', change)
    )


FIELDS = {
    'image out of the pool': ('Query', 'imname', 'sX.jpg'),
    'number as name': ('Query', 'imname', 7.0),
    'empty query box': ('Query', 'idlocate', np.zeros((1, 0))),
    'query box without area': ('Query', 'idlocate', np.array([[1, 1, 0, 5]])),
    'gallery image out of the pool': ('Gallery', 'imname', 'sX.jpg'),
    'gallery box of three': ('Gallery', 'idlocate', np.array([[1, 1, 5]])),
    'gallery box that nobody has': ('Gallery', 'idlocate', np.array([[1, 1, 5, 5]])),
    'gallery box without area': ('Gallery', 'idlocate', np.array([[1, 1, 0, 5]])),
    'non-ASCII name': ('Gallery', 'imname', 's\u00e9\u4eba.jpg'),
}


@pytest.mark.parametrize(('field', 'inner', 'value'), FIELDS.values(), ids=FIELDS)
def test_wrong_values_in_a_protocol(check, field, inner, value):
    def change(rows):
        rows[0, 0][field][0, 0][inner] = value
        return rows

    path = f'{TRAIN_TEST}/TestG50.mat'
    assert check('cuhk_sysu', lambda root: change_struct(root / path, 'TestG50', change))


ROWS = {
    'four columns': np.ones((2, 4)),
    'text': 'abc',
    'NaN': np.array([[1, np.nan, 1, 5, 5.0]]),
    'negative size': np.array([[1, 1, 1, -5, 5.0]]),
    'odd identity': np.array([[1.5, 1, 1, 5, 5]]),
    'negative identity': np.array([[-7, 1, 1, 5, 5.0]]),
    'huge identity': np.array([[1e20, 1, 1, 5, 5]]),
    'huge box': np.array([[1, 1, 1, 1e9, 5]]),
    'three dimensions': np.ones((2, 5, 2)),
}


@pytest.mark.parametrize('rows', ROWS.values(), ids=ROWS)
def test_wrong_rows_of_a_frame(check, rows):
    def change(root):
        path = first(root, 'annotations/*.mat')
        path.unlink()
        write_mat(path, {'box_new': rows})

    assert '.mat' in check('prw', change)


@pytest.mark.parametrize('names', [['c1s1_000151'] * 3, ['frame 7'], [7.0], [], ['c1s1_999999']])
def test_wrong_frame_lists(check, names):
    def change(root):
        (root / 'frame_test.mat').unlink()
        write_mat(root / 'frame_test.mat', {'img_index_test': cell_column(names)})

    assert 'frame_test.mat' in check('prw', change) or names


@pytest.mark.parametrize(
    'rows', [np.ones((1, 9)), 'abc', np.full((1, 10), np.nan), -np.ones((1, 10))]
)
def test_wrong_rows_of_citypersons(check, rows):
    def change(root):
        city = struct_array(
            [{'cityname': 'bonn', 'im_name': 'a.png', 'bbs': rows}], ('cityname', 'im_name', 'bbs')
        )
        path = root / 'annotations/anno_train.mat'
        path.unlink()
        write_mat(path, {'anno_train_aligned': cell_column([city])})

    assert check('citypersons', change)


@pytest.mark.parametrize('layout', MODULES)
def test_no_image_at_all(check, layout):
    def change(root):
        for path in [*root.rglob('*.jpg'), *root.rglob('*.png')]:
            path.unlink()

    assert check(layout, change)
