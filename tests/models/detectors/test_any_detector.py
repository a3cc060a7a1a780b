"""The same demands on every kind of mmdet detector and of ResNet-like backbone."""

import copy

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample

from mmps.checkpoints.origin import begin_branch
from mmps.registry import MODELS
from mmps.testing.builders import packed_batch, people, tiny_detector, tiny_searcher
from mmps.testing.detectors import DETECTORS


def resnet(name, depth=50, channels=8, **more):
    return {'type': name, 'depth': depth, 'base_channels': channels, **more}


BACKBONES = {
    'resnet-18': resnet('ResNet', 18, 16),
    'resnet-50': resnet('ResNet'),
    'resnext-50': resnet('ResNeXt', groups=2, base_width=4),
    'resnetv1d-50': resnet('ResNetV1d'),
    'res2net-50': resnet('Res2Net', scales=4, base_width=4),
}


def total(losses):
    parts = [sum(v) if isinstance(v, list) else v for k, v in losses.items() if 'loss' in k]
    return sum(parts)


def bare_twin(model, config):
    plain = MODELS.build(copy.deepcopy(config))
    plain.load_state_dict(model.detector.state_dict())
    return plain


def detector_with(backbone):
    settings = BACKBONES[backbone]
    widest = settings['base_channels'] * (1 if settings['depth'] == 18 else 4)
    neck = {**tiny_detector().neck, 'in_channels': [widest * 2**i for i in range(4)]}
    return tiny_detector(backbone={**settings, 'norm_eval': False}, neck=neck)


@pytest.mark.parametrize('name', DETECTORS)
def test_wrapped_gives_bit_equal_losses(name):
    config = DETECTORS[name]()
    model = tiny_searcher(detector=config).train()
    plain = bare_twin(model, config).train()
    inputs, samples = packed_batch()
    torch.manual_seed(3)  # two-stage detectors draw their samples
    ours = model.loss(inputs, copy.deepcopy(samples))
    torch.manual_seed(3)
    theirs = plain.loss(inputs, copy.deepcopy(samples))
    assert theirs
    for key, expected in theirs.items():
        pairs = zip(ours[key], expected, strict=True) if isinstance(expected, list) else [
            (ours[key], expected)
        ]  # fmt: skip
        assert all(torch.equal(a, b) for a, b in pairs), key


@pytest.mark.parametrize('name', DETECTORS)
def test_wrapped_gives_bit_equal_boxes_and_embeds_them(name):
    config = DETECTORS[name]()
    model = tiny_searcher(detector=config).eval()
    plain = bare_twin(model, config).eval()
    inputs, samples = packed_batch()
    with torch.no_grad():
        expected = plain.predict(inputs, copy.deepcopy(samples))
        found = model.predict(inputs, samples)
    for ours, theirs in zip(found, expected, strict=True):
        assert len(theirs.pred_instances)
        for field in ('bboxes', 'scores', 'labels'):
            assert torch.equal(ours.pred_instances[field], theirs.pred_instances[field])
        assert ours.pred_instances.embeddings.shape == (len(theirs.pred_instances), 8)


@pytest.mark.parametrize('name', DETECTORS)
def test_one_joint_training_step(name):
    model = tiny_searcher(detector=DETECTORS[name](), detach=False).train()
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.01)
    losses = model.loss(*packed_batch(images=3))
    assert losses['loss_triplet'] > 0
    total(losses).backward()
    optimizer.step()
    moved = {k for k, v in model.named_parameters() if not torch.equal(before[k], v)}
    for part in ('detector.backbone.layer1', 'detector.backbone.layer4', 'reid_branch.head'):
        assert any(key.startswith(part) for key in moved), part


@pytest.mark.parametrize('shared_stages', [2, 3, 4])
@pytest.mark.parametrize('backbone', BACKBONES)
def test_one_key_moves_the_split_of_any_resnet(backbone, shared_stages):
    model = tiny_searcher(shared_stages, detector=detector_with(backbone)).eval()
    names = [f'layer{i}' for i in range(shared_stages, 5)]
    inputs, samples = packed_batch(images=1)
    with torch.no_grad():
        found = model.predict(inputs, samples)[0]
        pooled = model.pool(inputs, torch.tensor([[0, 10.0, 10, 40, 90]]))
    assert pooled.shape == (1, *model.pooled_shape)
    assert model.reid_branch.stages(pooled).shape[2:] == (4, 2)
    assert found.gt_instances.embeddings.shape == (2, 8)
    begin_branch(model)
    for name, stage in zip(names, model.reid_branch.stages.stages, strict=True):
        theirs = getattr(model.detector.backbone, name).state_dict()
        assert all(torch.equal(theirs[k], v) for k, v in stage.state_dict().items())


@pytest.mark.slow
def test_resnet_101_builds_at_full_width():
    backbone = {'type': 'ResNet', 'depth': 101, 'norm_eval': True}
    neck = {**tiny_detector().neck, 'in_channels': [256, 512, 1024, 2048]}
    model = tiny_searcher(3, detector=tiny_detector(backbone=backbone, neck=neck))
    assert model.pooled_shape == (512, 16, 8)
    assert len(model.reid_branch.stages.stages[0]) == 23


def image_batch(sizes, scale_factors):
    """Raw images of several sizes, each with one person, as a loader hands them over."""
    rng = np.random.default_rng(0)
    inputs, samples = [], []
    for index, ((height, width), factors) in enumerate(zip(sizes, scale_factors, strict=True)):
        image = rng.integers(0, 256, (3, height, width), dtype=np.uint8)
        inputs.append(torch.from_numpy(image))
        original = tuple(round(s / f) for s, f in zip((height, width), factors[::-1], strict=True))
        sample = DetDataSample(
            metainfo={
                'img_id': index,
                'img_shape': (height, width),
                'ori_shape': original,
                'scale_factor': factors,
            }
        )
        box = torch.tensor([[8.0, 4.0, 40.0, 60.0]]) / torch.tensor([*factors, *factors])
        sample.gt_instances = people(box.tolist())
        samples.append(sample)
    return {'inputs': inputs, 'data_samples': samples}


@pytest.mark.parametrize('name', DETECTORS)
def test_images_of_different_sizes_and_scales_in_a_batch(name):
    preprocessor = {
        'type': 'DetDataPreprocessor',
        'mean': [120.0] * 3,
        'std': [60.0] * 3,
        'pad_size_divisor': 32,
    }
    detector = DETECTORS[name]()
    detector['data_preprocessor'] = preprocessor
    model = tiny_searcher(detector=detector).eval()
    sizes, factors = [(96, 128), (64, 96), (128, 64)], [(0.5, 0.5), (2.0, 1.0), (0.25, 0.75)]
    together = model.test_step(image_batch(sizes, factors))
    assert model.data_preprocessor(image_batch(sizes, factors))['inputs'].shape[2:] == (128, 128)
    for index, sample in enumerate(together):
        alone = image_batch(sizes, factors)
        prepared = model.data_preprocessor(alone)
        with torch.no_grad():
            (expected,) = model.predict(
                prepared['inputs'][index : index + 1], [prepared['data_samples'][index]]
            )
        for field in ('pred_instances', 'gt_instances'):
            torch.testing.assert_close(
                sample.get(field).embeddings, expected.get(field).embeddings, atol=1e-5, rtol=0
            )
        torch.testing.assert_close(
            sample.pred_instances.bboxes, expected.pred_instances.bboxes, atol=1e-2, rtol=0
        )


@pytest.mark.parametrize('empty', [[0], [0, 1]])
@pytest.mark.parametrize('name', DETECTORS)
def test_images_without_people(name, empty):
    model = tiny_searcher(detector=DETECTORS[name]())
    inputs, samples = packed_batch()
    for index in empty:
        samples[index].gt_instances = people([])
        samples[index].query_instances = people([])
    model.train()
    losses = model.loss(inputs, copy.deepcopy(samples))
    total(losses).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert all(torch.isfinite(v).all() for v in model.state_dict().values())
    model.eval()
    for index, sample in enumerate(model.predict(inputs, samples)):
        people_here = 0 if index in empty else 2
        assert sample.gt_instances.embeddings.shape == (people_here, 8)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('name', DETECTORS)
def test_half_precision_changes_embeddings_little(name, dtype):
    model = tiny_searcher(detector=DETECTORS[name]()).eval()
    inputs, samples = packed_batch()
    with torch.no_grad():
        expected = model.predict(inputs, copy.deepcopy(samples))
        with torch.autocast('cpu', dtype=dtype):
            found = model.predict(inputs, samples)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.gt_instances.embeddings.dtype == torch.float32
        similarity = (ours.gt_instances.embeddings * theirs.gt_instances.embeddings).sum(1)
        assert (similarity > 0.99).all()


@pytest.mark.parametrize('name', DETECTORS)
def test_training_in_bfloat16_gives_finite_gradients(name):
    model = tiny_searcher(detector=DETECTORS[name]()).train()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model.loss(*packed_batch(images=3))
    total(losses).backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(g).all() for g in gradients)


def test_pooled_features_are_computed_as_for_prediction():
    model, precisions = tiny_searcher().eval(), []
    model.detector.backbone.conv1.register_forward_hook(lambda *a: precisions.append(a[-1].dtype))
    inputs, samples = packed_batch()
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        model.pool(inputs, torch.tensor([[0.0, 0, 0, 32, 64]]), samples)
        model.predict(inputs, samples)
    assert precisions == [torch.float32, torch.float32]
