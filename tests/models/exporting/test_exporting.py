"""Exported models give the boxes and embeddings of PyTorch."""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import replace

import cv2
import pytest
import torch
from mmengine.registry import init_default_scope

from mmps.apis.inferencer import PersonSearchInferencer
from mmps.apis.parity import compare
from mmps.registry import MODELS
from mmps.structures import ConfigError, DataError
from mmps.testing.detectors import tiny_atss, tiny_faster_rcnn, tiny_fcos
from mmps.testing.more_detectors import tiny_yolox, with_classes
from mmps.testing.runs import disjoint_run, tiny_run

pytest.importorskip('onnxscript', reason="pip install 'mmps[export]'")

from mmps.models.exporting import export_model

KINDS = {
    'retinanet': (tiny_run, None),
    'crops': (disjoint_run, None),
    'fcos': (tiny_run, tiny_fcos),
    'faster-rcnn': (tiny_run, tiny_faster_rcnn),
    'yolox of crops': (disjoint_run, tiny_yolox),
    'atss': (tiny_run, tiny_atss),
}


def made(kind, data, folder, **changes):
    """An untrained model whose scores are spread, so that boxes differ."""
    run, detector = KINDS[kind]
    init_default_scope('mmdet')
    config = run(data, folder)
    if detector is not None:
        config.model.detector = detector()
        config.model.pop('backbone', None)
    if kind == 'yolox of crops':
        config.model.backbone = {**tiny_run(data, folder).model.detector.backbone}
    config.merge_from_dict(changes)
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    model.init_weights()
    spread(model)
    meta = {'cfg': config.pretty_text}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, folder / 'model.pth')
    return PersonSearchInferencer(folder / 'model.pth', device='cpu', min_score=0.0)


def spread(model):
    """Let a detector's scores and boxes vary: fresh heads give nearly the same everywhere."""
    generator = torch.Generator().manual_seed(1)
    for name, weight in model.detector.named_parameters():
        if 'head' in name and weight.ndim > 1:
            noise = torch.randn(weight.shape, generator=generator)
            # Large scores would all be 1, and which of them is best not defined.
            scale = 0.02 if hasattr(model.detector, 'roi_head') else 0.5
            weight.data.add_(scale * noise / weight[0].numel() ** 0.5)
    for name, buffer in model.named_buffers():
        if name.endswith('running_var'):
            buffer.mul_(0.7)


def exported(inferencer, folder):
    pipeline = inferencer.model.cfg.test_dataloader.dataset.pipeline
    fingerprint = inferencer.gallery_model().fingerprint
    export_model(inferencer.model, pipeline, folder, fingerprint)
    return PersonSearchInferencer(folder, min_score=0.0)


@pytest.fixture(scope='module')
def images(drawn_once):
    paths = sorted((drawn_once / 'Image' / 'SSM').iterdir())[:3]
    return [cv2.imread(str(path)) for path in paths]


@pytest.mark.parametrize(
    'kind',
    [
        'retinanet',
        *(
            pytest.param(kind, marks=pytest.mark.slow)
            for kind in ('crops', 'fcos', 'faster-rcnn', 'yolox of crops')
        ),
    ],
)
def test_people_are_those_of_torch(kind, drawn_once, tmp_path, images):
    inferencer = made(kind, drawn_once, tmp_path)
    other = exported(inferencer, tmp_path / 'exported')
    found = compare(inferencer, other, images)
    assert found.expected > 3
    # Corners half-way between two pixels are rounded either way where crops are cut out.
    assert replace(found, cosine=1.0 if 'crops' in kind else found.cosine).is_equal, found
    for image, people in zip(images, inferencer.find(images), strict=True):
        boxes = people.boxes[:20]
        vectors = other.embed(image, boxes)
        expected = inferencer.embed(image, boxes)
        assert (vectors * expected).sum(axis=1).min() > 0.9999
        spread_of = expected @ expected.T
        assert spread_of.min() < 0.9999  # otherwise the line before shows nothing
    assert other.gallery_model().fingerprint == inferencer.gallery_model().fingerprint
    assert not any(isinstance(part, torch.nn.Module) for part in vars(other.model).values())


@pytest.mark.slow
def test_images_of_any_shape(drawn_once, tmp_path, images):
    pipeline = [
        {'type': 'LoadImageFromFile', '_scope_': 'mmps'},
        {'type': 'Resize', 'scale': (200, 120), 'keep_ratio': True},
        {'type': 'LoadAnnotations', 'with_bbox': True},
        {'type': 'mmps.PackPersonSearchInputs'},
    ]
    changes = {'test_dataloader.dataset.pipeline': pipeline}
    inferencer = made('retinanet', drawn_once, tmp_path, **changes)
    other = exported(inferencer, tmp_path / 'exported')
    shapes = [images[0], images[1][:, :120].copy(), images[2][:60].copy()]
    assert len({image.shape for image in shapes}) == 3
    found = compare(inferencer, other, shapes)
    assert found.is_equal, found


@pytest.mark.slow
def test_of_many_classes_people_are_exported(drawn_once, tmp_path, images):
    inferencer = made('yolox of crops', drawn_once, tmp_path)
    config = copy.deepcopy(inferencer.model.cfg)
    config.model.detector = with_classes(config.model.detector, 5)
    config.model.detector.test_cfg.score_thr = 1e-5  # untrained scores are near 1e-4
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    model.init_weights()
    spread(model)
    for name, weight in model.detector.named_parameters():
        if 'conv_cls' in name and weight.ndim > 1:
            weight.data.mul_(1000)  # otherwise rounding decides which class is the best
    meta = {'cfg': config.pretty_text}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, tmp_path / 'many.pth')
    many = PersonSearchInferencer(tmp_path / 'many.pth', device='cpu', min_score=0.0)
    found = compare(many, exported(many, tmp_path / 'exported'), images)
    assert found.expected > 3
    assert replace(found, cosine=1.0).is_equal, found


@pytest.mark.parametrize(
    ('kind', 'changes', 'words'),
    [
        ('atss', {}, 'ATSS cannot be exported: only RetinaNet'),
        (
            'retinanet',
            {'model.detector.test_cfg.nms': {'type': 'soft_nms', 'iou_threshold': 0.5}},
            'only type="nms"',
        ),
        (
            'retinanet',
            {'model.reid_branch.pooling': {'roi_layer': {'type': 'RoIPool'}}},
            'RoIAlign',
        ),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(kind, changes, words, drawn_once, tmp_path):
    inferencer = made(kind, drawn_once, tmp_path, **changes)
    with pytest.raises(ConfigError, match=words):
        exported(inferencer, tmp_path / 'exported')
    assert not (tmp_path / 'exported').exists()


@pytest.mark.slow
def test_other_files_beside_the_description_are_refused(drawn_once, tmp_path):
    folder = tmp_path / 'exported'
    exported(made('retinanet', drawn_once, tmp_path), folder)
    for name, change, words in (
        ('branch.onnx', lambda path: path.write_bytes(path.read_bytes()[:-9]), 'not the network'),
        ('detector.onnx', lambda path: path.unlink(), 'cannot be read'),
        ('model.json', lambda path: path.write_text('{}'), 'no exported model'),
        ('model.json', lambda path: path.write_text(json.dumps({'format': 99})), 'update mmps'),
    ):
        copied = tmp_path / 'copy'
        shutil.rmtree(copied, ignore_errors=True)
        shutil.copytree(folder, copied)
        change(copied / name)
        with pytest.raises(DataError, match=words):
            PersonSearchInferencer(copied)
    with pytest.raises(ConfigError, match='neither weights nor options'):
        PersonSearchInferencer(folder, 'x.pth')
