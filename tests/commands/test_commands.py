"""The mmps command from index to export, with a small untrained model on drawn images."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from mmps.commands.main import COMMANDS, build_parser, main
from mmps.evaluation import Calibration
from mmps.gallery import open_gallery
from mmps.registry import MODELS
from mmps.testing.runs import tiny_run
from mmps.visualization.captions import caption


@pytest.fixture(scope='module')
def place(drawn_once, tmp_path_factory):
    """A folder with a model's file, four images, and a video of them at two frames a second."""
    folder = tmp_path_factory.mktemp('commands')
    init_default_scope('mmdet')
    config = tiny_run(drawn_once, folder)
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    model.init_weights()
    meta = {'cfg': config.pretty_text}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, folder / 'model.pth')
    images = sorted((drawn_once / 'Image' / 'SSM').iterdir())[:4]
    (folder / 'footage' / 'north').mkdir(parents=True)
    for path in images:
        shutil.copy(path, folder / 'footage' / 'north')
    frames = [cv2.imread(str(path)) for path in images]
    height, width = frames[0].shape[:2]
    code = cv2.VideoWriter_fourcc(*'mp4v')
    name = str(folder / 'footage' / 'south_2026-11-27.mp4')
    writer = cv2.VideoWriter(name, code, 2, (width, height))
    for frame in frames:
        writer.write(cv2.resize(frame, (width, height)))
    writer.release()
    return folder


@pytest.fixture(scope='module')
def indexed(place):
    gallery = str(place / 'people.mmps')
    pattern = '{camera}_{start:%Y-%m-%d}.mp4'
    inputs = [str(place / 'footage' / 'south_2026-11-27.mp4'), str(place / 'footage')]
    options = ['--model', str(place / 'model.pth'), '--min-score', '0', '--every', '0.5']
    assert main(['index', gallery, *inputs, *options, '--camera-from', pattern]) == 0
    return gallery


@pytest.fixture
def image(place):
    return str(sorted((place / 'footage' / 'north').iterdir())[0])


def test_every_command_is_explained(capsys):
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main([command, '--help'])
        assert ended.value.code == 0
        shown = capsys.readouterr().out
        assert f'mmps {command}' in shown
        assert 'examples:' in shown
    for action in build_parser()._subparsers._group_actions[0].choices.values():
        assert all(option.help for option in action._actions)


def test_indexing_again_finds_nothing_new(indexed, place, capsys):
    with open_gallery(indexed) as gallery:
        count = gallery.count()
        assert {*gallery.progress()} > {str(place / 'footage' / 'south_2026-11-27.mp4')}
    options = [
        '--min-score',
        '0',
        '--every',
        '0.5',
        '--camera-from',
        '{camera}_{start:%Y-%m-%d}.mp4',
    ]
    assert main(['index', indexed, str(place / 'footage'), *options]) == 0
    shown = capsys.readouterr().out
    assert '0 people in 0 images' in shown
    assert '5 files were indexed before' in shown
    with open_gallery(indexed) as gallery:
        assert gallery.count() == count > 8


def test_a_person_finds_herself_first(indexed, image, tmp_path, capsys):
    out = tmp_path / 'hits.json'
    written = ['--json', str(tmp_path / 'p.json'), '--out', str(tmp_path / 'p.png')]
    assert main(['people', image, '--gallery', indexed, '--min-score', '0', *written]) == 0
    people = json.loads((tmp_path / 'p.json').read_text())['people']
    assert [person['number'] for person in people] == list(range(1, len(people) + 1))
    assert Image.open(tmp_path / 'p.png').size == Image.open(image).size
    box = [str(x) for x in people[0]['box']]
    capsys.readouterr()
    written = ['--json', str(out), '--sheet', str(tmp_path / 's.png')]
    written += ['--evidence', str(tmp_path / 'evidence')]
    assert main(['search', indexed, '--image', image, '--box', *box, '--top', '5', *written]) == 0
    found = json.loads(out.read_text())
    assert found['query']['image'] == image
    first = found['hits'][0]
    assert {*first} == {
        'rank', 'similarity', 'source', 'frame', 'time', 'camera', 'box', 'score', 'id'
    }  # fmt: skip
    assert first['similarity'] > 0.999
    assert [hit['rank'] for hit in found['hits']] == [1, 2, 3, 4, 5]
    assert sorted((hit['similarity'] for hit in found['hits']), reverse=True) == [
        hit['similarity'] for hit in found['hits']
    ]
    np.testing.assert_allclose(first['box'], people[0]['box'], atol=0.5)
    assert len(list((tmp_path / 'evidence').iterdir())) == 11
    assert np.asarray(Image.open(tmp_path / 's.png')).std() > 10
    assert first['source'] in capsys.readouterr().out


def test_a_calibration_says_how_often_such_hits_are_wrong(indexed, image, place, tmp_path, capsys):
    edges = np.linspace(-1.01, 1.01, 3)
    given = Calibration(edges, np.array([0, 10]), np.array([500, 30]))
    given.save(tmp_path / 'c.json')
    content = torch.load(place / 'model.pth')
    content['meta']['calibration'] = Calibration(
        edges, np.array([0, 9]), np.array([9, 1])
    ).summary()
    torch.save(content, tmp_path / 'published.pth')
    out = tmp_path / 'hits.json'
    search = ['search', indexed, '--image', image, '--crop', '--top', '1', '--json', str(out)]
    for further, counts, words in (
        ([], None, None),
        (['--model', str(tmp_path / 'published.pth')], {'wrong': 1, 'pairs': 10}, '1 of 10'),
        (['--calibration', str(tmp_path / 'c.json')], {'wrong': 30, 'pairs': 40}, '7.5 of 10'),
    ):
        assert main([*search, *further]) == 0
        shown = capsys.readouterr().out
        (hit,) = json.loads(out.read_text())['hits']
        assert hit['similarity'] > 0
        assert hit.get('calibration') == counts
        assert ('wrong' in shown) == (words is not None)
        assert words is None or words in shown
    assert caption({**hit, 'calibration': {'wrong': 2, 'pairs': 80}})[1].startswith('1 of 40 wrong')
    assert caption({**hit, 'calibration': {'wrong': 0, 'pairs': 80}})[1].startswith('none of 80')
    assert main([*search, '--calibration', str(tmp_path / 'published.pth')]) == 2


def test_a_search_is_written_down_before_it_is_shown(indexed, image, tmp_path, capsys):
    log = tmp_path / 'audit.jsonl'
    search = ['search', indexed, '--image', image, '--crop', '--top', '3', '--audit-log']
    assert main([*search, str(log), '--purpose', 'lost child']) == 0
    (entry,) = map(json.loads, log.read_text().splitlines())
    assert (entry['purpose'], len(entry['hits'])) == ('lost child', 3)
    assert entry['query'][0]['image'] == image
    capsys.readouterr()
    assert main([*search, str(tmp_path)]) == 2
    shown = capsys.readouterr()
    assert 'audit log' in shown.err
    assert not shown.out


def test_heads_are_blurred_where_it_is_asked_for(indexed, image, tmp_path):
    for folder, further in (('sharp', []), ('blurred', ['--blur'])):
        search = ['search', indexed, '--image', image, '--crop', '--top', '1', '--evidence']
        assert main([*search, str(tmp_path / folder), *further]) == 0
    (sharp,) = (tmp_path / 'sharp').glob('*_crop.png')
    sharp, blurred = (
        np.asarray(Image.open(tmp_path / folder / sharp.name), dtype=int)
        for folder in ('sharp', 'blurred')
    )
    height = len(sharp)
    assert (sharp[: height // 6] != blurred[: height // 6]).any(axis=2).mean() > 0.5
    assert sharp.shape == blurred.shape


def test_people_of_long_ago_are_removed(indexed, tmp_path, capsys):
    copy = str(tmp_path / 'copy.mmps')
    shutil.copy(indexed, copy)
    with open_gallery(copy) as gallery:
        times = np.concatenate([rows.time for rows in gallery.rows()])
    with np.errstate(invalid='ignore'):
        old = int((times < np.nanmin(times) + 1).sum())
    until = str(np.nanmin(times) + 1)
    assert main(['remove', copy, '--before', until, '--yes']) == 0
    assert f'{old:,} people removed, {len(times) - old:,} are left' in capsys.readouterr().out
    assert main(['remove', copy, '--before', until, '--until', until]) == 2


def test_shards_fill_one_gallery_and_info_shows_how_far_they_are(place, tmp_path, capsys):
    gallery = str(tmp_path / 'shards.mmps')
    for shard in ('1/2', '2/2'):
        options = ['--model', str(place / 'model.pth'), '--min-score', '0', '--shard', shard]
        assert main(['index', gallery, str(place / 'footage' / 'north'), *options]) == 0
    capsys.readouterr()
    assert main(['info', gallery, '--json', str(tmp_path / 'i.json')]) == 0
    shown = capsys.readouterr().out
    assert shown.count('2 of 2 sources, finished') == 2
    assert 'together  4 of 4 sources, 100%' in shown
    assert len(json.loads((tmp_path / 'i.json').read_text())['workers']) == 2


@pytest.mark.slow
def test_every_command_takes_a_server_for_a_gallery(
    indexed, place, image, postgresql, tmp_path, capsys
):
    server = postgresql.place('people')
    with open_gallery(indexed) as gallery:
        count = gallery.count()
    assert main(['merge', server, indexed]) == 0
    options = [
        '--min-score',
        '0',
        '--every',
        '0.5',
        '--camera-from',
        '{camera}_{start:%Y-%m-%d}.mp4',
    ]
    assert main(['index', server, str(place / 'footage'), *options]) == 0
    assert '5 files were indexed before' in capsys.readouterr().out
    found = []
    for gallery in (indexed, server):
        search = ['search', gallery, '--image', image, '--crop', '--json', str(tmp_path / 'h.json')]
        assert main([*search, '--per-visit']) == 0
        found.append(json.loads((tmp_path / 'h.json').read_text()))
    first, second = ([hit['id'] for hit in f['hits']] for f in found)
    assert first == second
    assert main(['people', image, '--gallery', server, '--min-score', '0']) == 0
    assert main(['export', server, str(tmp_path / 'a.csv')]) == 0
    assert len((tmp_path / 'a.csv').read_text().splitlines()) == count + 1
    capsys.readouterr()
    assert main(['info', server]) == 0
    assert f'{count:,} people of 5 sources' in capsys.readouterr().out
    assert main(['remove', server, '--camera', 'south', '--yes']) == 0
    assert main(['compact', server]) == 0
    assert main(['merge', str(tmp_path / 'back.mmps'), server]) == 0
    with open_gallery(tmp_path / 'back.mmps') as back, open_gallery(server) as gallery:
        assert 0 < back.count() == gallery.count() < count


@pytest.mark.slow
def test_an_exported_model_takes_the_place_of_its_checkpoint(place, image, tmp_path, capsys):
    pytest.importorskip('onnxscript', reason="pip install 'mmps[export]'")
    folder, gallery = str(tmp_path / 'exported'), str(tmp_path / 'a.mmps')
    model = ['--model', str(place / 'model.pth')]
    assert main(['onnx', folder, *model, '--check', image]) == 0
    assert 'branch.onnx' in capsys.readouterr().out
    assert main(['index', gallery, image, '--model', folder, '--min-score', '0']) == 0
    for further in ([], model):
        search = ['search', gallery, '--image', image, '--crop', '--json', str(tmp_path / 'h.json')]
        assert main([*search, *further]) == 0
        hits = json.loads((tmp_path / 'h.json').read_text())['hits']
        (tmp_path / f'{len(further)}.json').write_text(json.dumps([hit['id'] for hit in hits]))
    assert (tmp_path / '0.json').read_text() == (tmp_path / '2.json').read_text()
    assert main(['onnx', str(tmp_path / 'again'), '--model', folder]) == 2
    assert 'exported already' in capsys.readouterr().err


def test_conditions_choose_cameras_and_times(indexed, image, tmp_path):
    out = tmp_path / 'hits.json'
    common = ['search', indexed, '--image', image, '--crop', '--json', str(out), '--top', '999']

    def hits(*conditions):
        assert main([*common, *conditions]) == 0
        return json.loads(out.read_text())['hits']

    everybody = hits()
    south = hits('--camera', 'south')
    assert {hit['camera'] for hit in south} == {'south'}
    assert 0 < len(south) < len(everybody)
    assert {hit['camera'] for hit in everybody} == {'south', None}
    late = hits('--since', '2026-11-27T00:00:01')
    assert 0 < len(late) < len(south)
    assert all(hit['frame'] >= 2 for hit in late)
    assert len(hits('--until', '2026-11-27T00:00:00.9')) == len(south) - len(late)
    visits = hits('--per-visit', '--camera', 'south')
    assert all({'since', 'until', 'boxes'} == {*hit['visit']} for hit in visits)
    assert sum(hit['visit']['boxes'] for hit in visits) == len(south)


def test_export_writes_everybody_in_three_forms(indexed, tmp_path):
    with open_gallery(indexed) as gallery:
        count = gallery.count()
    for name, form in (('a.json', None), ('b.csv', None), ('c.json', 'coco')):
        arguments = ['export', indexed, str(tmp_path / name)]
        assert main(arguments + (['--format', form] if form else [])) == 0
    rows = json.loads((tmp_path / 'a.json').read_text())
    table = list(csv.DictReader((tmp_path / 'b.csv').open()))
    coco = json.loads((tmp_path / 'c.json').read_text())
    assert len(rows) == len(table) == len(coco['annotations']) == count
    assert [row['id'] for row in table] == [row['id'] for row in rows]
    assert len(coco['images']) == len({(row['source'], row['frame']) for row in rows})
    for row, annotation in zip(rows, coco['annotations'], strict=True):
        x, y, width, height = annotation['bbox']
        np.testing.assert_allclose([x, y, x + width, y + height], row['box'], atol=0.02)
    assert main(['export', indexed, str(tmp_path / 'd.txt')]) == 2


def test_removing_asks_and_merging_brings_back(indexed, place, tmp_path, capsys, monkeypatch):
    copy = str(tmp_path / 'copy.mmps')
    shutil.copy(indexed, copy)
    video = str(place / 'footage' / 'south_2026-11-27.mp4')
    monkeypatch.setattr('sys.stdin.isatty', lambda: False, raising=False)
    assert main(['remove', copy, '--source', video]) == 1
    assert main(['remove', copy, '--source', video, '--yes']) == 0
    assert main(['compact', copy]) == 0
    with open_gallery(copy) as gallery, open_gallery(indexed) as whole:
        assert 0 < gallery.count() < whole.count()
        count = whole.count()
    capsys.readouterr()
    assert main(['merge', copy, indexed]) == 0
    assert f'holds {count:,}' in capsys.readouterr().out
    assert main(['info', copy, '--sources', '--json', str(tmp_path / 'i.json')]) == 0
    shown = capsys.readouterr().out
    assert f'{count:,} people of 5 sources' in shown
    assert json.loads((tmp_path / 'i.json').read_text())['people'] == count


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['search', 'none.mmps', '--image', 'x.jpg'], 'none.mmps does not exist'),
        (['search', '{gallery}', '--image', 'none.jpg'], 'none.jpg cannot be read'),
        (['search', '{gallery}', '--image', '{image}', '--pick', '999'], 'nobody is found'),
        (['search', '{gallery}', '--image', '{image}', '--box', '9', '9', '2', '2'], 'x1 < x2'),
        (['search', '{gallery}', '--image', '{image}', '--since', 'noon'], 'is no time'),
        (['search', '{gallery}', '--image', '{image}', '--top', '0'], '--top'),
        (['search', '{gallery}', '--image', '{image}', '--model', 'none'], 'ready are'),
        (['index', 'new.mmps', '{image}'], 'give --model'),
        (['index', 'new.mmps', 'nowhere', '--model', 'm.pth'], 'nowhere does not exist'),
        (['index', 'new.db', '{image}', '--model', '{model}'], 'ends in .mmps'),
        (['index', 'new.mmps', '{image}', '--model', '{model}', '--every', '-1'], 'every'),
        (['index', 'new.mmps', '{image}', '--model', '{model}', '--shard', '3/2'], 'no shard'),
        (['index', 'new.mmps', '{image}', 'camera:0', '--model', '{model}'], 'live stream'),
        (['index', 'new.mmps', '{image}', '--model', '{model}', '--for', '9'], 'live streams'),
        (['index', 'new.mmps', 'rtsp://a/b', '--model', '{model}', '--start', '9'], '--start'),
        (['index', 'ftp://host/db', '{image}', '--model', '{model}'], 'postgresql://'),
        (['people', '{image}', '--model', '{image}'], 'cannot be read as a checkpoint'),
        (['remove', '{gallery}'], 'say which people'),
        (['search', '{gallery}', '--image', '{image}', '--camera', 'nord'], 'its cameras: south'),
        (['remove', '{gallery}', '--source', 'none.mp4', '--yes'], 'holds no source'),
    ],
    ids=lambda value: ' '.join(value) if isinstance(value, list) else '',
)
def test_wrong_input_is_one_sentence(
    arguments, words, indexed, image, place, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    names = {'gallery': indexed, 'image': image, 'model': str(place / 'model.pth')}
    assert main([argument.format(**names) for argument in arguments]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith('error: ')
    assert shown.count('\n') == 1
    assert words in shown
    assert not list(Path(tmp_path).iterdir())


def test_another_model_is_refused(indexed, image, place, tmp_path, capsys):
    content = torch.load(place / 'model.pth', weights_only=True)
    name = next(key for key in content['state_dict'] if key.startswith('reid_branch'))
    content['state_dict'][name] += 1
    torch.save(content, tmp_path / 'other.pth')
    other = ['--model', str(tmp_path / 'other.pth')]
    assert main(['search', indexed, '--image', image, *other]) == 2
    assert 'another model' in capsys.readouterr().err
    assert main(['index', indexed, image, *other]) == 2
    assert 'another model' in capsys.readouterr().err
    shutil.copy(place / 'model.pth', tmp_path / 'moved.pth')
    moved = ['--model', str(tmp_path / 'moved.pth')]
    assert main(['search', indexed, '--image', image, '--crop', *moved]) == 0
