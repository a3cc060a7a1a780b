"""Every Python block of every README runs, or builds what it configures."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS as MMDET_MODELS
from mmengine.config import Config
from mmengine.registry import VISBACKENDS, init_default_scope

from mmps.apis import PersonSearchInferencer, open_gallery
from mmps.evaluation import (
    CUHKSYSUProtocol,
    GroundTruth,
    PersonSearchMetric,
    Predictions,
    evaluate_predictions,
)
from mmps.gallery.indexing import Settings, index
from mmps.gallery.sources.places import Places
from mmps.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS
from mmps.testing.runs import tiny_run
from mmps.testing.search_data import random_search_data, write_galleries

from .blocks import BLOCKS, ROOT, blocks

DATA_PAGE = "'frame.csv'", 'mmps.GenericProtocol'
"""In blocks that test_data_page.py runs."""

PYTHON = [block for block in BLOCKS if block.language in ('python', 'py')]
HEAD = {'type': 'mmps.TripletReIDHead', 'in_channels': 6, 'embedding_channels': 4}
RUNNERS: dict[str, Callable] = {}


def runs(phrase):
    """Registers what runs the blocks that contain a phrase."""

    def register(runner):
        RUNNERS[phrase] = runner
        return runner

    return register


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save_checkpoint(config, path, bias=None):
    torch.manual_seed(0)
    init_default_scope('mmdet')
    model = MODELS.build(config.model)
    model.init_weights()
    if bias is not None:
        torch.nn.init.constant_(model.detector.bbox_head.retina_cls.bias, bias)
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = {'cfg': config.pretty_text, 'dataset_meta': {'classes': ('person',)}}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, path)


@runs('find_people(')
def search_what_the_quickstart_leaves(block, folder, drawn_once):
    """On a tiny model and images of the same drawn layout."""
    seed = folder / 'work_dirs' / 'quickstart' / 'seed_0'
    save_checkpoint(tiny_run(drawn_once, folder / 'run'), seed / 'j2' / 'epoch_52.pth')
    drawn = sorted((drawn_once / 'Image' / 'SSM').iterdir())
    wanted = re.findall(r"'(s\d+)(?:\.jpg)?'", block.code)
    (seed / 'data' / 'Image' / 'SSM').mkdir(parents=True)
    for name, path in zip(wanted, drawn, strict=False):
        shutil.copy(path, seed / 'data' / 'Image' / 'SSM' / f'{name}.jpg')
    names = execute(block)
    one, other = names['one'], names['other']
    assert one.boxes.shape == (len(one), 4)
    similarities = one.embeddings @ other.embeddings.T
    assert similarities.shape == (len(one), len(other))
    assert abs(similarities).max() <= 1 + 1e-5


@runs('Experiment(')
def run_an_experiment(block, folder, drawn_once):
    """And again: nothing is done twice."""
    tiny_run(drawn_once, 'unused').dump(folder / 'CONFIG.py')
    code = block.code.replace('data/mine', str(drawn_once))
    metrics = execute(block, code)['metrics']
    assert 0 <= metrics['mAP'] <= 1
    assert (folder / 'predictions.npz').is_file()
    shutil.rmtree(folder / 'work_dirs' / 'mine' / 'feature_cache')
    assert execute(block, code)['metrics'] == metrics


@runs('open_gallery(')
def search_a_gallery(block, folder, drawn_once):
    """Of an untrained model that is sure of all it sees."""
    save_checkpoint(tiny_run(drawn_once, folder / 'run'), folder / 'published.pth', bias=0.0)
    drawn = sorted((drawn_once / 'Image' / 'SSM').iterdir())[:2]
    shutil.copy(drawn[0], folder / 'query.jpg')
    inferencer = PersonSearchInferencer('published.pth', device='cpu')
    with open_gallery('people.mmps', model=inferencer.gallery_model(), mode='w') as gallery:
        settings = Settings(places=Places(camera='north'))
        index(gallery, inferencer.find, [str(path) for path in drawn], settings)
    hits = execute(block)['hits']
    assert hits.similarities[0] > 0.999
    assert hits.rows.source[0] == str(drawn[0])


@runs('from mmdet.apis import')
def predict_by_mmdets_own_api(block, folder, drawn_once):
    config = tiny_run(drawn_once, folder / 'run')
    config.dump(folder / 'CONFIG.py')
    save_checkpoint(config, folder / 'CHECKPOINT.pth')
    drawn = sorted((drawn_once / 'Image' / 'SSM').iterdir())
    shutil.copy(drawn[0], folder / 'image.jpg')
    (folder / 'folder').mkdir()
    shutil.copy(drawn[0], folder / 'folder')
    names = execute(block)
    if 'people' in names:
        assert len(names['people'].embeddings) == len(names['people'].bboxes) > 0


@runs('BatchHardTripletLoss(margin=0.3)(')
def compute_a_loss(block):
    embeddings = torch.randn(6, 4, requires_grad=True)
    names = execute(block, embeddings=embeddings, person_ids=torch.tensor([0, 0, 1, 1, -1, 2]))
    assert names['loss'].shape == ()
    names['loss'].backward()
    assert embeddings.grad.abs().sum() > 0


@runs("'mmps.TripletReIDHead'")
def train_a_head_on_a_body_of_ones_own(block):
    names = execute(block)
    model, images = names['model'], torch.randn(6, 3, 16, 16)
    assert model(images).shape == (6, 4)
    losses = model(images, torch.tensor([0, 0, 1, 1, 2, 2]), mode='loss')
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    assert model.body[0].weight.grad.abs().sum() > 0


@pytest.fixture
def unregistered():
    """Takes a loss that an example registers out of mmdet's registry again."""
    yield
    MMDET_MODELS.module_dict.pop('PrototypeLoss', None)
    sys.modules.pop('prototypes', None)


@runs('class PrototypeLoss(')
def compute_a_loss_of_ones_own(block, unregistered):
    loss = execute(block)['PrototypeLoss'](num_ids=3, embedding_channels=4)
    embeddings = torch.randn(4, 4, requires_grad=True)
    for _ in range(2):  # the table is empty at first
        loss(embeddings, torch.tensor([0, 1, 2, 2])).backward()
    assert embeddings.grad.abs().sum() > 0
    assert loss.table.abs().sum() > 0


@runs("imports=['prototypes']")
def name_a_loss_of_ones_own(block, folder, unregistered, monkeypatch):
    (module,) = [b for b in blocks(block.readme) if b.code.startswith('# prototypes.py')]
    (folder / 'prototypes.py').write_text(module.code)
    toy = ROOT / 'configs/toy/joint-j2_retinanet_r18_fpn_synthetic.py'
    (folder / 'example.py').write_text(f"_base_ = '{toy}'\n{block.code}")
    monkeypatch.syspath_prepend(folder)
    config = Config.fromfile(folder / 'example.py')
    (stage,) = config.default_hooks.two_phase.stages
    for settings in (stage.loss, config.model.reid_branch.head.loss):
        loss = MODELS.build({**settings, 'num_ids': 3, 'embedding_channels': 4})
        assert type(loss).__name__ == 'PrototypeLoss'


@runs("type='mmps.LossSum'")
def build_a_sum_of_losses(block, folder):
    """The setting alone, or a config that sets it for one stage of phase 2."""
    code = re.sub(r"'(\.\.?/)", rf"'{block.readme.parent}/\1", block.code)
    (folder / 'example.py').write_text(code)
    config = Config.fromfile(folder / 'example.py')
    loss = config.get('loss') or config.default_hooks.two_phase.stages[0].loss
    head = MODELS.build({**HEAD, 'loss': loss})
    head.set_num_ids(3)
    logged = head.loss(torch.randn(6, 6), torch.tensor([0, 0, 1, 1, 2, 2]))
    torch.testing.assert_close(logged['loss_reid'], logged['triplet'] + 0.01 * logged['center'])


@runs("_base_ = './")
def build_a_config(block, folder):
    """And it begins with weights of its own backbone."""
    (folder / 'example.py').write_text(
        re.sub(r"'(\.\.?/)", rf"'{block.readme.parent}/\1", block.code)
    )
    config = Config.fromfile(folder / 'example.py')
    init_default_scope('mmdet')
    model = MODELS.build(config.model)
    depth = config.model.get('detector', config.model).backbone.get('depth')
    assert model.detector.backbone.depth == depth
    assert f'_r{depth}_' in config.load_from


@runs("type='mmps.LoadResizedScene'")
@runs("type='mmps.KeepOriginalImage'")
def build_transforms(block):
    lines = re.findall(r'^[ #]*(dict\(.*?\)),(?:\s*#.*)?$', block.code, re.MULTILINE)
    assert lines
    init_default_scope('mmdet')
    for line in lines:
        assert TRANSFORMS.build(eval(line))


@runs("type='ConcatDataset'")
def find_the_classes_of_data_sets(block):
    names = execute(block, code=re.sub(r', \.\.\.', '', block.code))
    (dataset,) = names['train_dataloader']['dataset']['datasets']
    assert DATASETS.get(dataset['type'])


@runs("type='mmps.TwoPhaseHook'")
def build_the_hook_of_two_phases(block):
    names = execute(block)
    settings = names['default_hooks']['two_phase']
    epochs = settings['detection_epochs'] + sum(s['epochs'] for s in settings['stages'])
    assert names['train_cfg']['max_epochs'] == epochs
    assert HOOKS.build(settings)
    for stage in settings['stages']:
        assert MODELS.build(stage['loss'])


@runs("type='TensorboardVisBackend'")
def find_visualizers(block):
    names = execute(block)
    assert all(VISBACKENDS.get(part['type']) for part in names['visualizer']['vis_backends'])


@runs("type='mmps.PersonSearchMetric'")
def build_a_metric(block, folder):
    evaluator = execute(block)['val_evaluator']
    data = random_search_data(np.random.default_rng(4), num_images=6, num_queries=3)
    annotation, _ = data.write(folder)
    for size in evaluator['protocol']['gallery_sizes']:
        write_galleries(folder / f'galleries_{size}.npz', next(iter(data.galleries.values())))
    evaluator = {'ann_file': str(annotation), **evaluator}
    assert isinstance(METRICS.build(evaluator), PersonSearchMetric)


@runs('np.savez(')
def score_the_predictions_of_other_code(block, folder):
    data = random_search_data(np.random.default_rng(4), num_images=6, num_queries=3)
    annotation, _ = data.write(folder)
    p = data.predictions
    rows = {
        f'{image["id"]}.jpg': np.flatnonzero(p.image_ids == image['id'])
        for image in data.annotation['images']
    }
    boxes = {n: np.concatenate([p.bboxes[r], p.scores[r, None]], 1) for n, r in rows.items()}
    features = {name: p.embeddings[own] for name, own in rows.items()}
    execute(block, boxes=boxes, features=features, query_features=p.query_embeddings)
    truth, protocol = GroundTruth.load(annotation), CUHKSYSUProtocol()
    written = evaluate_predictions(truth, Predictions.load('predictions.npz'), protocol)
    assert written.metrics == evaluate_predictions(truth, p, protocol).metrics


@runs('httpx.Client(')
def ask_a_server(block, folder, monkeypatch):
    """By Python, and by the commands that stand before it."""
    pytest.importorskip('fastapi', reason='pip install "mmps[serve]"')
    from mmps.server.app import create_app
    from mmps.server.service import Service
    from mmps.server.settings import Settings
    from mmps.testing.coloured_people import ColourInferencer, draw_scene, fill_gallery
    from mmps.testing.served import Served

    draw_scene([(0, 150), (2, 20)]).save('query.png')
    monkeypatch.setenv('MMPS_TOKEN', 'a-token-of-tests')
    settings = Settings(token='a-token-of-tests')
    with open_gallery(fill_gallery(folder / 'footage')) as gallery:
        server = Served(create_app(Service(gallery, ColourInferencer(), settings)), settings.token)
        try:
            code = block.code.replace('http://127.0.0.1:8000', server.address)
            names = execute(block, code)
            (curl,) = [b for b in blocks(block.readme) if b.code.startswith('curl')]
            command = curl.code.replace('http://127.0.0.1:8000', server.address)
            done = subprocess.run(['bash', '-c', command], capture_output=True, check=True)
        finally:
            server.stop()
    assert names['better'][0]['similarity'] > 0.95
    assert (folder / 'best.jpg').read_bytes()[:2] == b'\xff\xd8'
    shown = done.stdout.decode()
    info, found = shown[: shown.index('}{') + 1], shown.rpartition('}{')[2]
    assert json.loads(info)['people'] == 26
    hits = json.loads('{' + found)['hits']
    assert {hit['camera'] for hit in hits} == {'north'}
    assert len(hits) == 5


def execute(block, code=None, **names):
    """Run a block; return the names that it leaves."""
    names['__name__'] = 'example'
    exec(compile(code or block.code, str(block.readme), 'exec'), names)
    return names


def runners(block):
    return [runner for phrase, runner in RUNNERS.items() if phrase in block.code]


@pytest.mark.parametrize('block', PYTHON, ids=str)
def test_a_block_runs(block, request):
    if any(phrase in block.code for phrase in DATA_PAGE):
        return
    found = list(dict.fromkeys(runners(block)))
    assert found, f'no test runs this block: register one in {__file__}'
    for runner in found[:1]:
        wanted = runner.__code__.co_varnames[: runner.__code__.co_argcount]
        runner(block, **{name: request.getfixturevalue(name) for name in wanted[1:]})


def test_no_runner_is_left_without_a_block():
    code = '\n'.join(block.code for block in PYTHON)
    assert not [phrase for phrase in RUNNERS if phrase not in code]
    assert {b.language for b in BLOCKS} <= {'python', 'json', 'bash', 'shell', 'text', 'bibtex', ''}
