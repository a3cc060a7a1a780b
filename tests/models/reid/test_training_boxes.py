"""Whom the branch learns from in the joint objective."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import init_default_scope

from mmps.models.reid.training_boxes import training_rois
from mmps.registry import MODELS
from mmps.structures import BACKGROUND, UNLABELLED, ConfigError, IdentityMap
from mmps.testing import table_loss  # noqa: F401  # registration
from mmps.testing.builders import packed_batch, tiny_detector, tiny_searcher
from mmps.testing.detectors import tiny_faster_rcnn, tiny_faster_rcnn_c4

PROPOSALS = {'type': 'mmps.ProposalBoxes'}
TABLE = {'type': 'TableLoss', 'num_ids': 'auto', 'embedding_channels': 'auto'}
DETECTORS = {
    'faster-rcnn': tiny_faster_rcnn,
    'faster-rcnn c4': tiny_faster_rcnn_c4,
    'retinanet': tiny_detector,
}
EVERYBODY = SimpleNamespace(uses_unlabelled=True, uses_background=True)


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmdet')


def batch():
    inputs, samples = packed_batch()
    for sample, ids in zip(samples, ([4, -2], [4, 7]), strict=True):
        sample.gt_instances.person_ids = torch.tensor(ids)
    return inputs, samples


def searcher(name, **changes):
    return tiny_searcher(detector=DETECTORS[name](), training_boxes=PROPOSALS, **changes).train()


def collected(model, head, seed=0):
    inputs, samples = batch()
    torch.manual_seed(seed)
    boxes = model.training_boxes
    with boxes.watch(model.detector, samples, model.source, head) as collect:
        model.detector.loss(inputs, copy.deepcopy(samples))
        return collect()


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return shared / (sum(areas) - shared)


@pytest.mark.parametrize('name', DETECTORS)
def test_a_proposal_is_the_person_that_it_overlaps_most(name):
    rois, ids = collected(searcher(name), EVERYBODY)
    people = [sample.gt_instances for sample in batch()[1]]
    expected = []
    for image, *box in rois.tolist():
        own = people[int(image)]
        overlaps = [overlap(box, truth) for truth in own.bboxes.tolist()]
        best = max(range(len(own)), key=overlaps.__getitem__)
        identity = max(own.person_ids[best].item(), UNLABELLED)
        expected.append(identity if overlaps[best] >= 0.5 else BACKGROUND)
    assert ids.tolist() == expected
    assert {4, 7, UNLABELLED, BACKGROUND} == set(expected)
    annotated = torch.cat([own.bboxes for own in people])
    assert all((rois[:, 1:] == box).all(1).any() for box in annotated)


@pytest.mark.parametrize('name', DETECTORS)
def test_only_whom_the_loss_uses_is_among_them(name):
    model = searcher(name)
    rois, ids = collected(model, EVERYBODY)
    for unlabelled, background in ((False, False), (True, False), (False, True)):
        head = SimpleNamespace(uses_unlabelled=unlabelled, uses_background=background)
        kept = (ids >= 0) | (unlabelled & (ids == UNLABELLED)) | (background & (ids == BACKGROUND))
        found = collected(model, head)
        assert torch.equal(found[0], rois[kept])
        assert torch.equal(found[1], ids[kept])


@pytest.mark.parametrize('name', DETECTORS)
def test_the_detector_does_not_notice(name):
    model = searcher(name)
    plain = MODELS.build(DETECTORS[name]()).train()
    plain.load_state_dict(model.detector.state_dict())
    modes = [module.training for module in model.modules()]
    inputs, samples = batch()
    torch.manual_seed(3)
    ours = model.loss(inputs, copy.deepcopy(samples))
    torch.manual_seed(3)
    theirs = plain.loss(inputs, samples)
    for key in theirs:
        pair = (v if isinstance(v, list) else [v] for v in (ours[key], theirs[key]))
        assert all(torch.equal(a, b) for a, b in zip(*pair, strict=True)), key
    assert [module.training for module in model.modules()] == modes
    weights = plain.state_dict()
    assert all(torch.equal(weights[k], v) for k, v in model.detector.state_dict().items())


@pytest.mark.parametrize('name', DETECTORS)
def test_a_joint_step_with_a_table_learns_on_proposals(name):
    branch = {'head': {'embedding_channels': 8, 'loss': TABLE}}
    model = searcher(name, detach=False, reid_branch=branch)
    model.set_identities(IdentityMap([9, 4, 7]))
    inputs, samples = batch()
    model.loss(inputs, copy.deepcopy(samples))  # fills the table
    (loss,) = model.reid_branch.head.losses
    assert loss.table.any(1).tolist() == [True, True, False]  # of 4, 7 and 9
    assert loss.pointer > 0
    model.loss(inputs, samples)['loss_reid'].backward()
    reached = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert {'reid_branch.head.losses.0.scale', 'detector.backbone.conv1.weight'} <= reached
    assert not any(name.startswith('detector.rpn_head') for name in reached)


REFINED = {**PROPOSALS, 'refine': True}


@pytest.mark.parametrize('name', ['faster-rcnn', 'faster-rcnn c4'])
def test_refined_boxes_are_moved_as_in_a_test(name):
    model = tiny_searcher(detector=DETECTORS[name](), training_boxes=REFINED).train()
    torch.nn.init.normal_(model.detector.roi_head.bbox_head.fc_reg.bias, std=1.0)
    inputs, samples = batch()
    plain, _ = collected(searcher_with(model, refine=False), EVERYBODY)
    moved, ids = collected(model, EVERYBODY)
    assert {4, UNLABELLED, BACKGROUND} <= set(ids.tolist())
    features = model.detector.extract_feat(inputs)
    head, anchors = model.detector.eval().roi_head, [sample.metainfo for sample in samples]
    found = set()
    with torch.no_grad():
        for roi, delta in zip(plain, head._bbox_forward(features, plain)['bbox_pred'], strict=True):
            meta, label = anchors[int(roi[0])], torch.zeros(1, dtype=torch.long)
            box = head.bbox_head.regress_by_class(roi[None, 1:], label, delta[None], meta)
            found.add((int(roi[0]), *box[0].round(decimals=2).tolist()))
    annotated = {
        (index, *box) for index, sample in enumerate(samples)
        for box in sample.gt_instances.bboxes.tolist()
    }  # fmt: skip
    rows = {(int(i), *[round(x, 2) for x in box]) for i, *box in moved.tolist()}
    near = [
        any(row[0] == f[0] and max(abs(a - b) for a, b in zip(row[1:], f[1:], strict=True)) < 0.02
            for f in found | annotated)
        for row in rows
    ]  # fmt: skip
    assert sum(near) > 0.5 * len(near) > 5
    assert rows - annotated - {(int(i), *box) for i, *box in plain.tolist()}


def searcher_with(model, refine):
    other = copy.deepcopy(model)
    other.training_boxes.refine = refine
    return other


def test_refining_needs_a_box_head():
    with pytest.raises(ConfigError, match='RetinaNet has not: leave `refine` out'):
        tiny_searcher(training_boxes=REFINED)


def test_annotated_boxes_are_the_rule():
    model = tiny_searcher().train()
    _, samples = batch()
    head = model.reid_branch.head
    with model.training_boxes.watch(model.detector, samples, model.source, head) as collect:
        rois, ids = collect()
    expected = training_rois(samples, model.source.training_boxes)
    assert torch.equal(rois, expected[0])
    assert ids.tolist() == expected[1].tolist() == [4, 4, 7]


def test_identities_that_nobody_numbered_are_told():
    loss = {'type': 'TableLoss', 'num_ids': 5, 'embedding_channels': 8}
    model = tiny_searcher(reid_branch={'head': {'embedding_channels': 8, 'loss': loss}}).train()
    with pytest.raises(ConfigError, match=r'TableLoss has a place for each identity .*OnePhaseH'):
        model.loss(*batch())


def test_models_without_such_proposals_are_rejected():
    disjoint = {'type': 'mmps.DisjointDetector', 'detector': tiny_detector()}
    with pytest.raises(ConfigError, match='DisjointDetector cuts people from original images'):
        MODELS.build({**disjoint, 'training_boxes': PROPOSALS})
    with pytest.raises(ConfigError, match=r'Identity has neither: use mmps\.GroundTruthBoxes'):
        MODELS.build(PROPOSALS).check(torch.nn.Identity(), SimpleNamespace(later_stages=[]))


def test_a_head_that_does_not_run_is_told():
    model = searcher('retinanet')
    _, samples = batch()
    with (
        model.training_boxes.watch(model.detector, samples, model.source, EVERYBODY) as collect,
        pytest.raises(ConfigError, match='RetinaNet does not run RetinaHead'),
    ):
        collect()
