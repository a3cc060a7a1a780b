"""The command lines around data sets, as a user calls them."""

from __future__ import annotations

import importlib.util
import json
import runpy
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

TOOLS = Path(__file__).parents[2] / 'tools'
CONVERTERS = [
    'cuhk_sysu',
    'prw',
    'mot17_det',
    'wider_pedestrian',
    'crowdhuman',
    'citypersons',
    'coco_person',
    'mot_tracks',
]


def load(name):
    path = TOOLS / f'{name}.py'
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(name, *arguments):
    """Run a tool as a script, in this process; returns its exit code."""
    path, before = TOOLS / f'{name}.py', sys.argv
    sys.argv = [str(path), *map(str, arguments)]
    try:
        runpy.run_path(str(path), run_name='__main__')
    except SystemExit as end:
        return end.code
    finally:
        sys.argv = before
    return None


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp('tools') / 'a set'
    arguments = [str(root), '--layout', 'cuhk_sysu', '--images', '12', '--identities', '4']
    assert load('misc/make_synthetic').main([*arguments, '--workers', '1']) == 0
    return root, arguments


@pytest.fixture(scope='module')
def converted(drawn):
    assert call('dataset_converters/cuhk_sysu', drawn[0]) == 0
    return drawn[0]


def test_a_set_is_drawn_once(drawn, capsys):
    _, arguments = drawn
    assert load('misc/make_synthetic').main(arguments) == 0
    assert 'already contains this set' in capsys.readouterr().out
    assert load('misc/make_synthetic').main([*arguments, '--seed', '1']) == 2
    assert 'contains something other than this drawn set' in capsys.readouterr().err


@pytest.mark.parametrize(
    'wrong', [['--images', '0'], ['--seed', '-1'], ['--workers', '0'], ['--domain', 'z'], []]
)
def test_wrong_arguments_of_make_synthetic(tmp_path, wrong, capsys):
    layout = ['--layout', 'cuhk_sysu'] if wrong else ['--layout', 'other']
    with pytest.raises(SystemExit) as caught:
        load('misc/make_synthetic').main([str(tmp_path / 'x'), *layout, *wrong])
    assert caught.value.code == 2
    assert 'error: argument' in capsys.readouterr().err


def test_a_converter_ends_with_a_table(converted, tmp_path, capsys):
    assert call('dataset_converters/cuhk_sysu', converted, '--out-dir', tmp_path) == 0
    output = capsys.readouterr().out
    assert all(word in output for word in ('split', 'identities', 'queries', 'train', 'test'))
    assert {'train.json', 'galleries_50.npz'} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize('name', CONVERTERS)
def test_a_wrong_folder_ends_in_one_sentence(name, tmp_path, capsys):
    assert call(f'dataset_converters/{name}', tmp_path) == 2
    message = capsys.readouterr().err
    assert str(tmp_path) in message
    assert message.strip().count('\n') == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('value', ['0', '-2'])
def test_wrong_rules_for_tracks(value, tmp_path, capsys):
    assert load('dataset_converters/mot_tracks').main([str(tmp_path), '--every', value]) == 2
    assert 'n must be at least 1' in capsys.readouterr().err


def test_options_for_tracks(tmp_path, capsys):
    (tmp_path / 'img1').mkdir()
    for frame in range(1, 5):
        Image.new('RGB', (160, 120)).save(tmp_path / f'img1/{frame:06d}.webp')
    rows = [f'{frame} 1 {frame} 20 30 80 0.9 0 -1' for frame in range(4)]
    (tmp_path / 'tracks.txt').write_text('\n'.join(rows))
    convert = load('dataset_converters/mot_tracks').main
    arguments = [str(tmp_path), '--train-fraction', '0.5']
    assert convert(arguments) == 2
    assert 'use --first-frame 0' in capsys.readouterr().err
    arguments += ['--first-frame', '0']
    assert convert(arguments) == 2
    assert 'use --person-class 0' in capsys.readouterr().err
    arguments += ['--person-class', '0']
    assert convert(arguments) == 0
    assert '1 of 1 people of test.json are in train.json too' in capsys.readouterr().out
    assert convert([*arguments, '--disjoint']) == 0
    content = json.loads((tmp_path / 'mmps/train.json').read_text())
    assert [a['person_id'] for a in content['annotations']] == [-1, -1]
    assert [a['bbox'][0] for a in content['annotations']] == [0, 1]


def test_validating(converted, tmp_path, capsys):
    root = converted
    validate = load('misc/validate_dataset').main
    train, test = (str(root / f'mmps/{split}.json') for split in ('train', 'test'))
    assert validate([test, '--images', str(root), '--other', train]) == 0
    assert '0 errors' in capsys.readouterr().out
    assert validate([test, '--other', test]) == 1
    assert 'error: an image is in both files' in capsys.readouterr().out
    (tmp_path / 'other.json').write_text('{"images": []}')
    assert validate([test, '--other', str(tmp_path / 'other.json')]) == 1
    assert (
        f"error: there is no list 'annotations': {tmp_path}/other.json" in capsys.readouterr().out
    )
    assert validate([test, '--images', str(tmp_path / 'nowhere')]) == 2
    assert 'nowhere is not a folder' in capsys.readouterr().err
    assert validate([str(tmp_path / 'no.json')]) == 2
    assert 'no.json does not exist' in capsys.readouterr().err
    (tmp_path / 'no.json').write_text('{')
    assert validate([str(tmp_path / 'no.json')]) == 2
    assert 'no.json is no JSON' in capsys.readouterr().err


def test_validating_can_decode_every_image(converted, tmp_path, capsys):
    root = shutil.copytree(converted, tmp_path / 'copy')
    validate, test = load('misc/validate_dataset').main, root / 'mmps/test.json'
    arguments = [str(test), '--images', str(root)]
    assert validate([*arguments, '--decode', '--workers', '2']) == 0
    picture = root / json.loads(test.read_text())['images'][1]['file_name']
    picture.write_bytes(picture.read_bytes()[:-500])
    assert validate(arguments) == 0
    capsys.readouterr()
    assert validate([*arguments, '--decode', '--workers', '2']) == 1
    assert f'error: an image is broken or cut short: Image/SSM/{picture.name}' in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--decode'], '--decode reads images: name their folder with --images'),
        (['--decode', '--images', '.', '--workers', '0'], '--workers 0 must be at least 1'),
    ],
)
def test_decoding_that_cannot_be_is_told(converted, options, message, capsys):
    test_json = str(converted / 'mmps/test.json')
    assert load('misc/validate_dataset').main([test_json, *options]) == 2
    assert message in capsys.readouterr().err


def test_validating_can_write_our_spelling(converted, tmp_path):
    content = json.loads((converted / 'mmps/test.json').read_text())
    for record in [*content['annotations'], *content['queries']]:
        identity = record.pop('person_id')
        record['pid'] = 5555 if identity == -1 else identity
    (tmp_path / 'theirs.json').write_text(json.dumps(content))
    arguments = [tmp_path / 'theirs.json', '--unlabelled', 5555, '--write', tmp_path / 'ours.json']
    assert load('misc/validate_dataset').main([*map(str, arguments)]) == 0
    ours = json.loads((tmp_path / 'ours.json').read_text())
    original = json.loads((converted / 'mmps/test.json').read_text())
    assert ours['annotations'] == original['annotations']


def test_a_copy_that_cannot_be_written_is_told_in_a_sentence(converted, tmp_path, capsys):
    arguments = [str(converted / 'mmps/test.json'), '--write', str(tmp_path)]
    assert load('misc/validate_dataset').main(arguments) == 2
    assert f"Is a directory: '{tmp_path}'" in capsys.readouterr().err


def test_statistics(converted, tmp_path, capsys):
    files = [str(converted / f'mmps/{split}.json') for split in ('train', 'test')]
    stats = load('analysis_tools/dataset_stats').main
    assert stats([*files, '--out', str(tmp_path / 'new/stats.png')]) == 0
    assert (tmp_path / 'new/stats.png').stat().st_size > 5000
    assert 'identities, median height' in capsys.readouterr().out
    (tmp_path / 'five.json').write_text('5')
    assert stats([str(tmp_path / 'five.json')]) == 2
    assert 'five.json: the file is not a JSON object' in capsys.readouterr().err
    assert stats(['nowhere.json']) == 2
    assert 'nowhere.json does not exist' in capsys.readouterr().err


CONFIG = """
default_scope = 'mmdet'
train_dataloader = dict(dataset=dict(
    type='mmps.PersonSearchDataset', data_root={root!r}, ann_file='mmps/train.json',
    pipeline=[
        dict(type='mmps.LoadScene'), dict(type='mmps.LoadPeople'),
        dict(type='Resize', scale=(160, 120)), dict(type='mmps.PackPersonSearchInputs')]))
"""


def emptied(root, folder):
    """A copy of a set whose boxes are fractions of the image size."""
    shutil.copytree(root, folder)
    path = folder / 'mmps/train.json'
    content = json.loads(path.read_text())
    for annotation in content['annotations']:
        annotation['bbox'] = [0.2, 0.1, 0.3, 0.8]
    path.write_text(json.dumps(content))
    return folder


def test_browsing_a_set_of_which_nothing_is_left(converted, tmp_path, capsys):
    config = tmp_path / 'config.py'
    root = emptied(converted, tmp_path / 'set')
    text = CONFIG.format(root=f'{root}/').replace(
        'pipeline=', 'filter_cfg=dict(filter_empty_gt=True), pipeline='
    )
    config.write_text(text)
    assert load('analysis_tools/browse_dataset').main([str(config)]) == 2
    message = capsys.readouterr().err
    assert 'train.json: filter_cfg leaves none of its' in message
    assert 'seem to be fractions of the image size' in message
    assert 'Traceback' not in message


def test_browsing(converted, tmp_path, capsys):
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.format(root=f'{converted}/'))
    browse = load('analysis_tools/browse_dataset').main
    assert browse([str(config), '--out-dir', str(tmp_path / 'seen'), '--number', '3']) == 0
    assert len(list((tmp_path / 'seen').glob('Image_SSM_s*.jpg'))) == 3
    assert browse([str(config), '--split', 'test']) == 2
    assert 'has no test_dataloader; it has the splits train' in capsys.readouterr().err
    config.write_text(config.read_text().replace('train_dataloader', 'cached_people'))
    assert browse([str(config), '--split', 'reid', '--out-dir', str(tmp_path / 'reid')]) == 0
    assert len(list((tmp_path / 'reid').glob('Image_SSM_s*.jpg'))) > 3
    assert browse([str(config)]) == 2
    assert 'has no train_dataloader; it has the splits reid' in capsys.readouterr().err
    for number in ('0', '-1'):
        assert browse([str(config), '--number', number]) == 2
        assert f'--number {number} must be at least 1' in capsys.readouterr().err
    assert browse(['nowhere.py']) == 2
    assert 'nowhere.py does not exist' in capsys.readouterr().err
