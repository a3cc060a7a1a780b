"""The converters on annotations of real data sets, where they lie beside the repository."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.runner import Runner

from mmps.apis import running
from mmps.datasets.converters import Converter, convert, mot17_det, mot_tracks, prw
from mmps.evaluation import GenericProtocol, GroundTruth
from mmps.formats.validation import validate
from mmps.synthetic.matfile import cell_column, write_mat
from mmps.testing.runs import tiny_run

SHARED = Path(__file__).parents[3].parent / 'shared' / 'data'
MINI = SHARED / 'mot17-mini'
PRW = SHARED / 'prw-annotations'
PETS = SHARED / 'real' / 'PETS09-S2L1'
needs_mini = pytest.mark.skipif(not MINI.is_dir(), reason='shared/data/mot17-mini is not there')
needs_prw = pytest.mark.skipif(not PRW.is_dir(), reason='shared/data/prw-annotations is not there')


@needs_mini
def test_mot17_mini(tmp_path):
    done = convert(Converter(mot17_det.NAME, mot17_det.parse), MINI, tmp_path)
    counts = done.splits[0].counts()
    assert (counts['images'], counts['boxes'], counts['identities']) == (8, 336, 42)
    assert any('has 8 images, the published set 5,316' in line for line in done.log.summary())


@needs_mini
def test_mot17_mini_as_a_searchable_set(tmp_path):
    done = convert(Converter(mot_tracks.NAME, mot_tracks.parse), MINI, tmp_path)
    content = json.loads((tmp_path / 'test.json').read_text())
    assert done.splits[0].counts()['queries'] == 42
    assert not [p for p in validate(content, MINI) if p.is_error]
    assert {(i['width'], i['height']) for i in content['images']} == {(1920, 1080)}


@pytest.mark.skipif(not PETS.is_dir(), reason='shared/data/real/PETS09-S2L1 is not there')
def test_people_of_pets_come_back(tmp_path):
    rules = mot_tracks.TrackRules(every=2, visits='gt/gt_mot15_tracks.txt', every_box=True)
    parse = functools.partial(mot_tracks.parse, rules=rules)
    done = convert(Converter(mot_tracks.NAME, parse), PETS, tmp_path)
    counts = done.splits[0].counts()
    assert (counts['images'], counts['boxes'], counts['identities']) == (80, 450, 10)
    content = json.loads((tmp_path / 'test.json').read_text())
    assert not [p for p in validate(content) if p.is_error]
    ground_truth = GroundTruth.load(tmp_path / 'test.json')
    ((_, _, targets),) = GenericProtocol(other_visits=True).findable(ground_truth)
    assert (len(targets), (targets > 0).sum()) == (450, 417)


@needs_mini
@pytest.mark.slow
def test_a_model_searches_in_the_set_made_from_tracks(tmp_path):
    (tmp_path / 'set').mkdir()
    for name in MINI.iterdir():
        (tmp_path / 'set' / name.name).symlink_to(name)
    convert(Converter(mot_tracks.NAME, mot_tracks.parse), tmp_path / 'set')
    config = tiny_run(tmp_path / 'set', tmp_path / 'run', launcher='none')
    weights = Runner.from_cfg(config).model.state_dict()
    torch.save({'state_dict': weights}, tmp_path / 'start.pth')
    config = tiny_run(tmp_path / 'set', tmp_path / 'test', launcher='none')
    predictions = tmp_path / 'predictions.npz'
    metrics = running.evaluate_checkpoint(config, tmp_path / 'start.pth', out=predictions)
    assert {'mAP', 'top1', 'gt/mAP', 'det/AP'} <= metrics.keys()
    assert 0 < metrics['gt/mAP'] <= 1
    with np.load(predictions, allow_pickle=False) as arrays:
        assert arrays['query_embeddings'].shape == (42, 8)
        assert arrays['gt_embeddings'].shape == (336 + 32, 8)  # standing people are ignore regions


def official_identity(split, person_id):
    """Train is renumbered from 0 with -1 in this copy; test has the official numbers and -2."""
    if split == 'test':
        return person_id
    return -2 if person_id == -1 else person_id + 1


def write_prw(root, picture):
    """Turn the JSON copy back into PRW's official layout; one grey image stands for all."""
    (root / 'frames').mkdir(parents=True)
    for split in ('train', 'test'):
        content = json.loads((PRW / f'{split}_pid.json').read_text())
        rows = {image['id']: [] for image in content['images']}
        for a in content['annotations']:
            rows[a['image_id']].append([official_identity(split, a['person_id']), *a['bbox']])
        names = {image['id']: image['file_name'] for image in content['images']}
        for image_id, name in names.items():
            os.link(picture, root / 'frames' / name)
            write_mat(
                root / f'annotations/{name}.mat', {'box_new': np.array(rows[image_id], float)}
            )
        stems = [name.removesuffix('.jpg') for name in names.values()]
        write_mat(root / f'frame_{split}.mat', {f'img_index_{split}': cell_column(stems)})
    queries = {}
    for image_id, name in names.items():
        for identity, *bbox in rows[image_id]:
            if identity == 479 or (identity >= 484 and identity != 932):
                box = ' '.join(f'{value:.4f}' for value in bbox)
                stem = name.removesuffix('.jpg')
                queries.setdefault((identity, name[1]), f'{identity} {box} {stem}\r\n')
    (root / 'query_info.txt').write_bytes(''.join(queries.values()).encode())


@needs_prw
@pytest.mark.slow
def test_prw_at_its_full_size(tmp_path, make_image):
    write_prw(tmp_path / 'PRW-v16.04.20', make_image(tmp_path / 'grey.jpg', (1920, 1080)))
    done = convert(Converter(prw.NAME, prw.parse), tmp_path, strict=True)
    assert done.splits[0].counts() == {
        'images': 5704,
        'boxes': 18048,
        'labelled': 14907,
        'identities': 483,
        'ignored': 0,
        'queries': 0,
    }
    assert done.splits[1].counts() == {
        'images': 6112,
        'boxes': 25062,
        'labelled': 19127,
        'identities': 544,
        'ignored': 0,
        'queries': 2057,
    }
    assert not done.log.lines
    pairs = {(query.person_id, query.camera_id) for query in done.splits[1].queries}
    assert len(pairs) == 2057
