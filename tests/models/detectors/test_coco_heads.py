"""Weights of 80 classes in a model of one: the person's scores are those of the large detector.

What a head computes is read as its own mmdet code reads it: `permute(0, 2, 3, 1).reshape(-1,
cls_out_channels)` in dense heads, the last axis elsewhere. Scores are compared before softmax,
which other classes change, and those of sigmoid heads as `predict` gives them, too.
"""

import copy

import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import load_state_dict

from mmps.checkpoints.person_class import keep_person
from mmps.registry import MODELS
from mmps.testing.builders import packed_batch, tiny_detector, tiny_searcher
from mmps.testing.more_detectors import MORE_DETECTORS, with_classes

SIGMOID = ('retinanet', 'fcos', 'atss', 'gfl', 'tood', 'yolof', 'reppoints')
ALL = 100_000


def large_weights(config, count=80):
    init_default_scope('mmdet')
    torch.manual_seed(5)
    model = MODELS.build(with_classes(config, count))
    model.init_weights()
    for name, parameter in model.named_parameters():
        if any(part in name for part in ('cls', 'fc_reg', 'label_embedding')):
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval(), dict(model.state_dict())


def searcher(config):
    if config.backbone.type == 'ResNet':
        return tiny_searcher(detector=config).eval()
    disjoint = {'type': 'mmps.DisjointDetector', 'detector': config,
                'backbone': dict(tiny_detector().backbone)}  # fmt: skip
    return MODELS.build(disjoint).eval()


def scores(detector):
    """Class scores of every part of a detector's head, before softmax: ``(N, classes)`` each."""
    torch.manual_seed(6)
    head = getattr(detector, 'bbox_head', None)
    if hasattr(detector, 'roi_head'):
        heads = detector.roi_head.bbox_head
        heads = heads if isinstance(heads, torch.nn.ModuleList) else [heads]
        pooled, proposals = torch.randn(5, 16, 7, 7), torch.randn(1, 5, 16)
        learned = [proposals] * (type(heads[0]).__name__ == 'DIIHead')
        found = [head(pooled, *learned)[0] for head in heads]
    elif hasattr(head, 'cls_branches'):
        hidden, references = torch.randn(2, 1, 10, 256), [torch.rand(1, 10, 4)] * 3
        found = [*head(hidden, references)[0], head.cls_branches[-1](hidden[0])]
    elif hasattr(head, 'fc_cls'):
        found = [*head(torch.randn(2, 1, 10, 16))[0]]
    else:
        maps = head(detector.extract_feat(packed_batch(1)[0]))[0]
        found = [level.permute(0, 2, 3, 1).reshape(-1, head.cls_out_channels) for level in maps]
    return [part.flatten(0, -2) for part in found]


@pytest.mark.parametrize('name', MORE_DETECTORS)
def test_the_person_scores_as_in_the_large_detector(name, mm_log):
    config = MORE_DETECTORS[name]()
    large, weights = large_weights(config)
    model = searcher(config)
    load_state_dict(model, copy.deepcopy(weights), strict=True)
    assert "Of the checkpoint's classes the person is kept" in mm_log.text
    assert 'does not fill' not in mm_log.text
    with torch.no_grad():
        ours, theirs = scores(model.detector), scores(large)
    assert len(ours) == len(theirs) > 0
    for small, whole in zip(ours, theirs, strict=True):
        kept = {1: [0], 2: [0, 80]}[small.shape[1]]
        assert whole.shape[1] == 79 + small.shape[1]
        assert whole.std() > 1e-3
        torch.testing.assert_close(small, whole[:, kept])


@pytest.mark.parametrize('name', SIGMOID)
def test_people_are_found_as_by_the_large_detector_whose_other_classes_are_dropped(name):
    config = MORE_DETECTORS[name]()
    config.test_cfg.update(nms_pre=ALL, max_per_img=ALL)
    _, weights = large_weights(config)
    model, large = searcher(config), searcher(with_classes(config, 80))
    for searching in (model, large):
        load_state_dict(searching, copy.deepcopy(weights), strict=True)
    inputs, samples = packed_batch(1)
    with torch.no_grad():
        ours, theirs = (
            m.predict(inputs, copy.deepcopy(samples))[0].pred_instances for m in (model, large)
        )
        everything = large.detector.predict(inputs, copy.deepcopy(samples))[0].pred_instances
    assert len({*everything.labels.tolist()}) > 40
    assert len(everything) > len(theirs) == len(ours) == (everything.labels == 0).sum() > 0
    assert not theirs.labels.any()
    assert len(theirs.embeddings) == len(theirs)
    torch.testing.assert_close(ours.scores, theirs.scores)
    torch.testing.assert_close(ours.bboxes, theirs.bboxes)


def test_people_alone_are_found_in_phase_1_too():
    config = with_classes(MORE_DETECTORS['retinanet'](), 80)
    config.test_cfg.update(nms_pre=ALL, max_per_img=ALL)
    model = searcher(config)
    load_state_dict(model, large_weights(config, 80)[1], strict=True)
    model.set_phase('detection')
    with torch.no_grad():
        found = model.predict(*packed_batch(1))[0].pred_instances
    assert len(found) > 0
    assert not found.labels.any()


@pytest.mark.parametrize('name', MORE_DETECTORS)
def test_names_of_layers_tell_what_the_shapes_of_a_model_tell(name):
    """For tools/misc/coco_to_person.py, which has no model."""
    config = MORE_DETECTORS[name]()
    _, weights = large_weights(config)
    wanted = MODELS.build(config).state_dict()
    by_shape, by_name = dict(weights), dict(weights)
    assert keep_person(by_name) == keep_person(by_shape, wanted) != []
    assert all(torch.equal(by_name[key], by_shape[key]) for key in weights)
    assert all(by_name[key].shape == weight.shape for key, weight in wanted.items())


def test_the_persons_embedded_label_is_kept():
    config = MORE_DETECTORS['dino']()
    _, weights = large_weights(config)
    model = searcher(config)
    load_state_dict(model, copy.deepcopy(weights), strict=True)
    name = 'dn_query_generator.label_embedding.weight'
    assert torch.equal(model.detector.state_dict()[name], weights[name][:1])


@pytest.mark.parametrize(('name', 'count'), [('retinanet', 20), ('dino', 91), ('faster-rcnn', 20)])
def test_heads_of_unknown_classes_keep_their_own_weights_with_one_warning(name, count, mm_log):
    config = MORE_DETECTORS[name]()
    _, weights = large_weights(config, count)
    model = searcher(config)
    before = copy.deepcopy(model.detector.state_dict())
    load_state_dict(model, copy.deepcopy(weights))
    assert mm_log.text.count("does not fill the detector's neck and heads") == 1
    assert 'size mismatch' not in mm_log.text
    for key, weight in model.detector.state_dict().items():
        fits = weights[key].shape == weight.shape
        assert torch.equal(weight, (weights if fits else before)[key]), key


def test_objects365_gives_its_person():
    config = MORE_DETECTORS['rtmdet']()
    large, weights = large_weights(config, 365)
    model = searcher(config)
    load_state_dict(model, copy.deepcopy(weights), strict=True)
    with torch.no_grad():
        for small, whole in zip(scores(model.detector), scores(large), strict=True):
            torch.testing.assert_close(small, whole[:, :1])
