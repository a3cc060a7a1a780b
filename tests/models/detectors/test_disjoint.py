import copy
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.apis import inference_detector
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from PIL import Image, ImageOps

from mmps.models.reid import RoIPooling
from mmps.models.reid.crop_and_resize import crop_and_resize
from mmps.registry import MODELS
from mmps.structures import ConfigError
from mmps.testing.builders import packed_batch, tiny_detector

MEAN, STD = [123.0, 116.0, 103.0], [58.0, 57.0, 56.0]


@pytest.fixture
def model():
    init_default_scope('mmdet')
    torch.manual_seed(0)
    preprocessor = {'type': 'DetDataPreprocessor', 'mean': MEAN, 'std': STD, 'bgr_to_rgb': True}
    config = {
        'type': 'mmps.DisjointDetector',
        'detector': tiny_detector(data_preprocessor=preprocessor),
        'reid_branch': {
            'pooling': {'output_size': (64, 32)},
            'head': {'embedding_channels': 8},
        },
    }
    model = MODELS.build(config)
    model.init_weights()
    return model


def street(width=1920, height=1080, seed=0):
    """An RGB image with detail of two pixels: ``(H, W, 3)`` uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 2, width // 2, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((2, 2, 1), np.uint8))


def loaded(folder, scenes, boxes, *augmentation, training=False):
    """What a loader gives of images and the boxes of the people in each."""
    people, resize = {'type': 'mmps.LoadPeople'}, {'type': 'Resize', 'scale': (640, 640)}
    order = [people, resize, *augmentation] if training else [resize, people]
    pipeline = Compose(
        [
            {'type': 'mmps.LoadScene'},
            {'type': 'mmps.KeepOriginalImage'},
            *order,
            {'type': 'mmps.PackPersonSearchInputs'},
        ]
    )
    data = []
    for index, (scene, found) in enumerate(zip(scenes, boxes, strict=True)):
        path = folder / f'{index}.png'
        Image.fromarray(scene).save(path, compress_level=1)
        instances = [
            {'bbox': b, 'bbox_label': 0, 'ignore_flag': 0, 'person_id': k, 'ann_index': k}
            for k, b in enumerate(found)
        ]
        data.append(pipeline({'img_path': str(path), 'img_id': index, 'instances': instances}))
    return pseudo_collate(data)


def by_pillow(scene, box, mirror=False, size=(64, 32)):
    crop = Image.fromarray(scene).crop([round(x) for x in box])
    crop = crop.resize(size[::-1], Image.BILINEAR)
    crop = ImageOps.mirror(crop) if mirror else crop
    return torch.from_numpy(np.array(crop)).permute(2, 0, 1).float()


@contextmanager
def seen_crops(model):
    """Collect what the crops' network is given."""
    crops = []
    hook = model.reid_branch.stages.register_forward_pre_hook(lambda _, x: crops.append(x[0]))
    yield crops
    hook.remove()


def sharpness(crop):
    """Mean difference of neighbouring pixels."""
    return (crop[..., 1:] - crop[..., :-1]).abs().mean()


PERSON = [901.0, 400.0, 1001.0, 650.0]


def test_a_distant_person_is_cut_from_the_original_image(model, tmp_path):
    """100x250 pixels of 1920x1080, which are 33x148 of the network's input."""
    scene, size = street(), (256, 128)
    model.reid_branch.pooling.output_size = size
    model.detector.bbox_head.test_cfg.score_thr = 1.0  # nobody but the annotated person
    data = loaded(tmp_path, [scene], [[PERSON]])
    with seen_crops(model) as crops:
        model.eval().test_step(data)
    torch.testing.assert_close(crops[0][0], by_pillow(scene, PERSON, size=size), atol=1, rtol=0)
    box = [[0, *(x / factor for x, factor in zip(PERSON, (3, 1.6875) * 2, strict=True))]]
    network_input = data['inputs'][0].flip(0)[None].float()
    blown_up = RoIPooling(1, size)(network_input, torch.tensor(box))[0]
    assert (crops[0][0] - blown_up).abs().mean() > 20
    assert sharpness(crops[0][0]) > 1.5 * sharpness(blown_up)


def test_images_of_different_sizes_are_searched_as_one_by_one(model, tmp_path):
    scenes = [street(640, 480), street(300, 500, seed=1), street(90, 70, seed=2)]
    boxes = [[[20, 30, 70, 180], [300.5, 200.5, 400, 479.5]], [[-20, 100, 120, 600]], []]
    model.detector.bbox_head.test_cfg.score_thr = 1.0
    with seen_crops(model) as crops:
        together = model.eval().test_step(loaded(tmp_path, scenes, boxes))
        alone = [
            model.test_step(loaded(tmp_path, [s], [b]))[0]
            for s, b in zip(scenes, boxes, strict=True)
        ]
    assert torch.equal(crops[0], torch.cat(crops[1:]))
    for one, other in zip(together, alone, strict=True):
        found, expected = (s.gt_instances.embeddings for s in (one, other))
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_detected_people_and_queries_are_cut_where_they_are(model, tmp_path):
    data = loaded(tmp_path, [street(640, 480)], [[[20, 30, 70, 180]]])
    query = [200.0, 100.0, 260.0, 300.0]
    data['data_samples'][0].query_instances = InstanceData(bboxes=torch.tensor([query]))
    with seen_crops(model) as crops:
        (sample,) = model.eval().test_step(data)
    boxes = [*sample.pred_instances.bboxes.tolist(), [20, 30, 70, 180], query]
    assert len(boxes) > 2
    original = torch.from_numpy(street(640, 480)).permute(2, 0, 1)
    rois = torch.cat([torch.zeros(len(boxes), 1), torch.tensor(boxes)], dim=1)
    assert torch.equal(torch.cat(crops), crop_and_resize([original], rois, (64, 32)))


def test_results_do_not_keep_the_images(model, tmp_path):
    data = loaded(tmp_path, [street(64, 48)], [[]])
    assert 'original_image' in data['data_samples'][0]
    (sample,) = model.eval().test_step(data)
    assert 'original_image' not in sample


@pytest.mark.parametrize('flip', [0.0, 1.0])
def test_in_the_joint_objective_crops_follow_a_flip_of_the_input(model, tmp_path, flip):
    scene, mirror = street(), {'type': 'RandomFlip', 'prob': flip}
    boxes = [[PERSON, [100, 50, 190, 300]]]
    data = loaded(tmp_path, [scene], boxes, mirror, training=True)
    assert data['data_samples'][0].flip == bool(flip)
    prepared = model.train().data_preprocessor(data, True)
    with seen_crops(model) as crops:
        model.loss(prepared['inputs'], prepared['data_samples'])
    for crop, box in zip(crops[0], boxes[0], strict=True):
        torch.testing.assert_close(crop, by_pillow(scene, box, bool(flip)), atol=1, rtol=0)


def test_other_flips_are_refused(model, tmp_path):
    flip = {'type': 'RandomFlip', 'prob': 1.0, 'direction': 'vertical'}
    data = loaded(tmp_path, [street(64, 48)], [[[2, 2, 20, 40]]], flip, training=True)
    prepared = model.train().data_preprocessor(data, True)
    with pytest.raises(ConfigError, match="'vertical' turns people upside down"):
        model.loss(prepared['inputs'], prepared['data_samples'])


def test_a_pipeline_without_originals_is_told(model):
    inputs, samples = packed_batch(images=1)
    del samples[0].original_image
    for compute in (model.train().loss, model.eval().predict):
        with pytest.raises(ConfigError, match=r'original image .* add .*KeepOriginalImage'):
            compute(inputs, samples)
    del samples[0].gt_instances.image_bboxes
    with pytest.raises(ConfigError, match=r'where people are .*LoadAnnotations, and add'):
        model.train().loss(inputs, samples)
    model.set_phase('detection')
    assert 'loss_cls' in model.train().loss(inputs, samples)
    assert len(model.eval().predict(inputs, samples)) == 1


def test_mmdets_own_inference_works(model, tmp_path):
    Image.fromarray(street(640, 480)).save(tmp_path / 'a.png')
    pipeline = [
        {'type': 'mmps.LoadScene'},
        {'type': 'mmps.KeepOriginalImage'},
        {'type': 'Resize', 'scale': (320, 320), 'keep_ratio': False},
        {'type': 'mmps.PackPersonSearchInputs'},
    ]
    model.cfg = Config({'test_dataloader': {'dataset': {'pipeline': pipeline}}})
    by_path = inference_detector(model.eval(), str(tmp_path / 'a.png'))
    by_array = inference_detector(model, street(640, 480)[:, :, ::-1].copy())
    assert by_path.pred_instances.embeddings.shape == (len(by_path.pred_instances), 8)
    assert torch.equal(by_path.pred_instances.embeddings, by_array.pred_instances.embeddings)


def test_everybody_gets_an_embedding_as_with_a_shared_backbone(model):
    inputs, samples = packed_batch(images=2)
    for sample in model.eval().predict(inputs, samples):
        for field in ('pred_instances', 'gt_instances', 'query_instances'):
            instances = sample.get(field)
            assert instances.embeddings.shape == (len(instances), 8)


def test_phase_2_trains_the_crops_network_alone(model):
    model.train()
    model.set_phase('reid')
    before = copy.deepcopy(model.detector.state_dict())
    crops = torch.rand(8, *model.pooled_shape) * 255
    losses = model(pooled=crops, person_ids=torch.arange(8) // 2, mode='loss')
    losses['loss_triplet'].backward()
    reached = {n for n, p in model.named_parameters() if p.grad is not None}
    assert reached == {n for n, _ in model.named_parameters() if n.startswith('reid_branch')}
    assert all(torch.equal(before[k], v) for k, v in model.detector.state_dict().items())


def test_joint_objective_runs_and_does_not_reach_the_detector(model):
    losses = model.train().loss(*packed_batch())
    losses['loss_triplet'].backward()
    reached = {n.split('.')[0] for n, p in model.named_parameters() if p.grad is not None}
    assert reached == {'reid_branch'}


def test_fingerprint_does_not_depend_on_weights(model):
    before = model.feature_fingerprint()
    with torch.no_grad():
        model.detector.backbone.conv1.weight += 1
    assert model.feature_fingerprint() == before


def test_fingerprint_tells_crops_of_the_original_from_those_of_the_input(model):
    fingerprint = model.feature_fingerprint()
    assert fingerprint['weights'] == 'original images'
    assert 'CropAndResize' in fingerprint['pooling']
    assert 'output_size=(64, 32), swap_channels=True' in fingerprint['pooling']


@pytest.mark.parametrize('backbone', [None, {'type': 'ResNet', 'depth': 18, 'base_channels': 8}])
def test_batch_statistics_of_crops_are_trained_whatever_the_backbone_says(backbone):
    detector = tiny_detector()
    detector.backbone.update(norm_eval=True, frozen_stages=2)
    config = {'type': 'mmps.DisjointDetector', 'detector': detector, 'backbone': backbone}
    model = MODELS.build(config)
    model.set_phase('reid')
    model.train()
    layers = [m for m in model.reid_branch.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert layers
    assert all(layer.training for layer in layers)
    assert all(p.requires_grad for p in model.reid_branch.parameters())
    assert not any(m.training for m in model.detector.modules())


SWIN = {'type': 'SwinTransformer', 'embed_dims': 12, 'depths': (1, 1, 1, 1), 'num_heads': (1,) * 4}


@pytest.mark.parametrize('whose', ['detector', 'crops'])
def test_a_network_of_another_family_embeds_crops(whose):
    detector = tiny_detector()
    if whose == 'detector':
        detector.backbone = SWIN
    config = {
        'type': 'mmps.DisjointDetector',
        'detector': detector,
        'backbone': SWIN if whose == 'crops' else None,
    }
    assert MODELS.build(config).reid_branch.stages.out_channels == 96
