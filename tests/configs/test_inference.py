"""mmdet's inference API on configs and checkpoints of ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.apis import DetInferencer, inference_detector, init_detector
from mmdet.datasets.transforms import InferencerLoader
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope

from mmps.apis.configs import load_config
from mmps.structures import DataError
from mmps.testing.builders import tiny_detector
from mmps.testing.runs import tiny_run, train

from .leaves import CONFIGS, LEAVES, load, offenders, parts

LOAD = {'type': 'LoadImageFromFile', '_scope_': 'mmps'}


def has_what_mmdet_looks_for(path):
    config = load(path)
    assert 'type' not in config.model.backbone or config.model.backbone.type == 'ResNet'
    for loader in ('train_dataloader', 'test_dataloader', 'cached_people'):
        for part in parts(config[loader].dataset):
            assert part.pipeline[0] == LOAD
            assert [s.type for s in part.pipeline].count('LoadAnnotations') == 1


def test_every_config_has_what_mmdet_looks_for():
    assert offenders(LEAVES, has_what_mmdet_looks_for) == {}


@pytest.fixture(scope='module')
def toy(drawn_once, tmp_path_factory):
    """The toy J3 after a short run: config file, last checkpoint and some images."""
    folder = tmp_path_factory.mktemp('toy')
    config = load_config(
        str(CONFIGS / 'toy' / 'joint-j3_retinanet_r18_fpn_synthetic.py'),
        str(folder),
        {
            'train_cfg.max_epochs': 3,
            'default_hooks.two_phase.detection_epochs': 1,
            'default_hooks.two_phase.batches.identities': 4,
            'default_hooks.checkpoint.interval': 3,
            'log_level': 'ERROR',
        },
    )
    for stage in config.default_hooks.two_phase.stages:
        stage.epochs = 1
    config.param_scheduler[0].update(total_steps=1, end=1)
    for key in ('train_dataloader', 'cached_people', 'val_dataloader', 'test_dataloader'):
        config[key].update(num_workers=0)
        config[key].dataset.data_root = str(drawn_once)
    for part in ('val', 'test'):
        config[f'{part}_evaluator'].protocol = {'type': 'mmps.GenericProtocol'}
    train(config)
    images = sorted(map(str, (drawn_once / 'Image' / 'SSM').glob('*.jpg')))[:3]
    return folder / Path(config.filename).name, folder / 'epoch_3.pth', images


FRESH = """
import sys
from mmdet.apis import DetInferencer
config, weights, *images = sys.argv[1:]
assert 'mmps' not in sys.modules
for model in (config, None):
    inferencer = DetInferencer(model, weights, device='cpu', show_progress=False)
    found = inferencer(images, batch_size=2)['predictions']
    assert len(found) == len(images)
    assert all(image['bboxes'] for image in found)
import mmps
samples = inferencer(images, return_datasamples=True)['predictions']
for sample, image in zip(samples, found, strict=True):
    people = sample.pred_instances
    assert people.embeddings.shape == (len(image['bboxes']), 128)
    assert (people.embeddings.norm(dim=1) - 1).abs().max() < 1e-4
print('done')
"""


@pytest.mark.slow
def test_det_inferencer_in_a_process_that_never_imported_mmps(toy):
    config, weights, images = toy
    command = [sys.executable, '-c', FRESH, str(config), str(weights), *images]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.stdout.strip().endswith('done'), result.stderr[-2000:]


KINDS = {
    'J3': {},
    'Disj.': {'type': 'mmps.DisjointDetector', 'reid_branch': {'head': {'embedding_channels': 8}}},
    'detector': None,
}


@pytest.fixture(params=KINDS)
def tiny(request, drawn_once, tmp_path):
    """Config of a tiny model whose checkpoint has random weights, and an image."""
    config = tiny_run(drawn_once, tmp_path)
    changes = KINDS[request.param]
    if changes is None:
        config.model = tiny_detector()
    elif changes:
        config.model = {'detector': tiny_detector(), 'backbone': {}, **changes}
        config.test_dataloader.dataset.pipeline.insert(1, {'type': 'mmps.KeepOriginalImage'})
    image = sorted((drawn_once / 'Image' / 'SSM').glob('*.jpg'))[0]
    return config, str(image), request.param


def test_paths_arrays_and_lists_give_the_same(tiny):
    config, image, kind = tiny
    torch.manual_seed(0)
    model = init_detector(config, None, device='cpu')
    model.init_weights()
    by_path, many = inference_detector(model, image), inference_detector(model, [image, image])
    by_array = inference_detector(model, cv2.imread(image))  # which mmdet writes into the config
    assert len(by_path.pred_instances) > 0
    for other in (by_array, *many):
        for key, value in by_path.pred_instances.items():
            torch.testing.assert_close(other.pred_instances[key], value, rtol=0, atol=0)
    assert ('embeddings' in by_path.pred_instances) == (kind != 'detector')


def test_det_inferencer_equals_init_detector(tiny, tmp_path):
    config, image, _ = tiny
    torch.manual_seed(0)
    model = init_detector(config, None, device='cpu')
    torch.save({'state_dict': model.state_dict()}, tmp_path / 'weights.pth')
    expected = inference_detector(model, image).pred_instances
    inferencer = DetInferencer(config, str(tmp_path / 'weights.pth'), 'cpu', show_progress=False)
    for given in (image, cv2.imread(image)):
        (sample,) = inferencer(given, return_datasamples=True)['predictions']
        for key, value in expected.items():
            torch.testing.assert_close(sample.pred_instances[key], value, rtol=0, atol=0)


@pytest.fixture
def loaders():
    """The loader as a training has it, and as ``DetInferencer`` has it."""
    init_default_scope('mmdet')
    return [Compose([LOAD]), Compose([{**LOAD, 'type': 'mmdet.InferencerLoader'}])]


def test_either_loader_is_ours(loaders, tmp_path):
    path = tmp_path / 'cut.jpg'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:-200])
    assert isinstance(loaders[1].transforms[0], InferencerLoader)
    for loader in loaders:
        with pytest.raises(DataError, match=r'cut\.jpg is no readable image, or cut short'):
            loader({'img_path': str(path)})
        with pytest.raises(DataError, match=r'missing\.jpg cannot be read .*restore the image'):
            loader({'img_path': str(tmp_path / 'missing.jpg')})


def test_settings_of_the_backbone_win_over_the_detectors():
    config = tiny_run('unused', 'unused').model
    config.backbone = {'base_channels': 8}
    config.detector.neck.in_channels = [8, 16, 32, 64]
    model = init_detector(
        Config({'model': config, 'test_dataloader': tiny_run('a', 'b').test_dataloader}),
        device='cpu',
    )
    assert model.detector.backbone.conv1.out_channels == 8
    assert model.pooled_shape[0] == 16
    assert model.reid_branch(torch.zeros(1, 16, 9, 9), torch.zeros(1, 5)).shape == (1, 8)
