"""People embedded in given boxes: equal to what predict writes, without neck and head."""

import copy

import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn

from mmps.registry import MODELS
from mmps.structures import ConfigError
from mmps.structures.originals import ORIGINAL_IMAGE
from mmps.testing.builders import packed_batch, tiny_detector, tiny_searcher


def disjoint():
    init_default_scope('mmdet')
    torch.manual_seed(0)
    head = {'embedding_channels': 8}
    return MODELS.build(
        {
            'type': 'mmps.DisjointDetector',
            'detector': tiny_detector(),
            'reid_branch': {'head': head, 'pooling': {'output_size': (64, 32)}},
        }
    )


@pytest.mark.parametrize('build', [tiny_searcher, disjoint])
def test_given_boxes_are_embedded_as_by_predict_without_detecting(build):
    model = build().eval()
    inputs, samples = packed_batch(scale_factor=(0.5, 0.5))
    with torch.no_grad():
        predicted = model.predict(inputs, copy.deepcopy(samples))
    for sample, found in zip(samples, predicted, strict=True):
        sample.pred_instances = copy.deepcopy(found.pred_instances)
        del sample.pred_instances.embeddings

    def refuse(*args):
        raise AssertionError('the detector ran')

    for part in (
        model.detector.neck,
        model.detector.bbox_head,
        model.detector.backbone.layer3[0].conv1,
    ):
        part.register_forward_pre_hook(refuse)
    with torch.no_grad():
        given = model(inputs, samples, mode='embed')
    for sample, expected in zip(given, predicted, strict=True):
        assert (ORIGINAL_IMAGE in sample) == (build is tiny_searcher)  # crops let go of it
        for field in ('pred_instances', 'gt_instances', 'query_instances'):
            assert torch.equal(sample.get(field).embeddings, expected.get(field).embeddings)
            assert len(sample.get(field).embeddings)


def test_rois_are_embedded_as_boxes_of_the_same_pixels():
    model = tiny_searcher().eval()
    inputs, samples = packed_batch()
    rois = [
        torch.cat([torch.full((len(s.gt_instances), 1), i), s.gt_instances.bboxes], dim=1)
        for i, s in enumerate(samples)
    ]
    with torch.no_grad():
        expected = model.predict(inputs, samples)
        found = model.embed(inputs, torch.cat(rois))
        assert model.embed(inputs, torch.zeros(0, 5)).shape == (0, 8)
    assert torch.equal(found, torch.cat([s.gt_instances.embeddings for s in expected]))


def test_the_message_about_pixels_names_the_model():
    with pytest.raises(ConfigError, match='DisjointDetector predicts boxes in image pixels only'):
        disjoint().eval().predict(*packed_batch(), rescale=False)


def test_boxes_of_mirrored_images_are_refused():
    inputs, samples = packed_batch()
    samples[0].set_metainfo({'flip': True})
    with pytest.raises(ConfigError, match='mirrors images'):
        tiny_searcher().eval().embed_instances(inputs, samples)


def test_a_pooling_with_weights_learns_in_the_joint_phase_though_gradients_are_detached():
    class Weighted(nn.Module):
        def __init__(self, pooling):
            super().__init__()
            self.pooling, self.scale = pooling, nn.Parameter(torch.ones(()))

        def forward(self, feature, rois):
            return self.scale * self.pooling(feature, rois)

    model = tiny_searcher(detach=True).train()
    model.reid_branch.pooling = Weighted(model.reid_branch.pooling)
    model.loss(*packed_batch(images=3))['loss_triplet'].backward()
    assert model.reid_branch.pooling.scale.grad.abs() > 0
    assert all(p.grad is None for p in model.detector.parameters())
