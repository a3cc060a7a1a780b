import copy

import pytest
import torch
from mmengine.registry import init_default_scope

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


def test_crops_are_the_pixels_of_the_picture(model):
    picture = torch.randint(0, 256, (3, 96, 128), dtype=torch.uint8)  # BGR
    prepared = model.data_preprocessor({'inputs': [picture], 'data_samples': None})
    # A box of exactly the crop's size: every bin is one pixel.
    crops = model.pool(prepared['inputs'], torch.tensor([[0, 20.0, 10.0, 52.0, 74.0]]))
    expected = picture.flip(0)[:, 10:74, 20:52].float()
    torch.testing.assert_close(crops[0], expected, atol=1e-3, rtol=0)


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
def test_a_network_without_channels_is_told(whose):
    detector = tiny_detector()
    if whose == 'detector':
        detector.backbone = SWIN
    with pytest.raises(ConfigError, match='SwinTransformer cannot embed crops: it has no `feat_di'):
        MODELS.build(
            {
                'type': 'mmps.DisjointDetector',
                'detector': detector,
                'backbone': SWIN if whose == 'crops' else None,
            }
        )
