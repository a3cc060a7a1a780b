import copy

import pytest
import torch
from mmengine.runner import load_state_dict

from mmps.checkpoints.origin import begin_branch
from mmps.models.detectors.instances import instances_to_embed
from mmps.models.reid.roi_pooling import PAPER_SIZES
from mmps.models.reid.training_boxes import training_rois
from mmps.registry import MODELS
from mmps.structures import UNLABELLED, UserError
from mmps.testing.builders import packed_batch, people, tiny_detector, tiny_searcher
from mmps.testing.reference_losses import batch_hard_loss

STAGES = [2, 3, 4]


def with_gradient(model):
    return {n for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize('shared_stages', STAGES)
def test_pooled_shapes_and_replicated_stages_follow_from_one_key(shared_stages):
    model = tiny_searcher(shared_stages)
    assert model.pooled_shape[1:] == PAPER_SIZES[shared_stages]
    assert len(model.reid_branch.stages.stages) == 5 - shared_stages
    inputs, _ = packed_batch()
    rois = torch.tensor([[0, 10.0, 10, 40, 90], [1, 5, 5, 30, 70], [1, 0, 0, 128, 96]])
    pooled = model.pool(inputs, rois)
    assert pooled.shape == (3, *model.pooled_shape)
    assert model.reid_branch.stages(pooled).shape == (3, 128, 4, 2)


@pytest.mark.parametrize('shared_stages', STAGES)
def test_pooling_alone_equals_pooling_in_the_detectors_pass(shared_stages):
    model = tiny_searcher(shared_stages).eval()
    inputs, samples = packed_batch()
    with model.source.watch(inputs):
        model.detector.predict(inputs, samples)
        whole = model.source.feature
    assert torch.equal(whole, model.source.run(inputs))


def test_wrapped_detector_gives_the_same_losses_and_boxes():
    model = tiny_searcher()
    plain = MODELS.build(tiny_detector())
    plain.load_state_dict(model.detector.state_dict())
    inputs, samples = packed_batch()
    losses = model.loss(inputs, copy.deepcopy(samples))
    for key, value in plain.loss(inputs, copy.deepcopy(samples)).items():
        for ours, theirs in zip(losses[key], value, strict=True):
            assert torch.equal(ours, theirs)
    model.eval(), plain.eval()
    plain.load_state_dict(model.detector.state_dict())
    found = model.predict(inputs, copy.deepcopy(samples))
    expected = plain.predict(inputs, copy.deepcopy(samples))
    for ours, theirs in zip(found, expected, strict=True):
        assert len(theirs.pred_instances)
        assert torch.equal(ours.pred_instances.bboxes, theirs.pred_instances.bboxes)
        assert torch.equal(ours.pred_instances.scores, theirs.pred_instances.scores)


def test_phases_train_what_they_should():
    model = tiny_searcher().train()
    everything = {n for n, p in model.named_parameters() if p.requires_grad}
    inputs, samples = packed_batch(images=3)

    model.set_phase('detection')
    sum(sum(v) for v in model.loss(inputs, copy.deepcopy(samples)).values()).backward()
    reached = with_gradient(model)
    assert all(name.startswith('detector.') for name in reached)
    assert {n for n in everything if n.startswith('detector.backbone')} <= reached
    assert not model.reid_branch.training

    model.zero_grad(set_to_none=True)
    model.set_phase('reid')
    pooled = torch.randn(8, *model.pooled_shape)
    model(pooled=pooled, person_ids=torch.arange(8) // 2, mode='loss')['loss_triplet'].backward()
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert with_gradient(model) == trained == {n for n in everything if n.startswith('reid_branch')}
    assert model.reid_branch.training
    assert not model.detector.training


def test_batch_statistics_of_the_detector_stay_in_phase_2():
    model = tiny_searcher().train()
    model.set_phase('reid')
    before = copy.deepcopy(model.detector.state_dict())
    branch = copy.deepcopy(model.reid_branch.state_dict())
    inputs, _ = packed_batch()
    model.train()
    model(pooled=torch.randn(8, *model.pooled_shape), person_ids=torch.arange(8) // 2, mode='loss')
    model.pool(inputs, torch.tensor([[0, 1.0, 1, 60, 60]]))
    assert all(torch.equal(before[k], v) for k, v in model.detector.state_dict().items())
    changed = [
        k for k, v in model.reid_branch.state_dict().items() if not torch.equal(branch[k], v)
    ]
    assert any('running_mean' in key for key in changed)


@pytest.mark.parametrize('detach', [True, False])
def test_joint_objective_reaches_the_shared_stages_only_if_not_detached(detach):
    model = tiny_searcher(detach=detach).train()
    inputs, samples = packed_batch(images=3)
    losses = model.loss(inputs, samples)
    assert losses['loss_triplet'] > 0
    losses['loss_triplet'].backward()
    shared = {'detector.backbone.layer1.0.conv2.weight', 'detector.backbone.layer2.1.conv1.weight'}
    reached = with_gradient(model)
    assert any(name.startswith('reid_branch') for name in reached)
    assert not any(name.startswith('detector.backbone.layer3') for name in reached)
    if detach:
        assert all(name.startswith('reid_branch') for name in reached)
    else:
        assert shared <= reached


def test_everybody_gets_an_embedding_in_one_pass():
    model = tiny_searcher().eval()
    inputs, samples = packed_batch(images=2, scale_factor=(0.5, 0.5))
    samples[1].gt_instances = people([])
    samples[1].query_instances = people([])
    passes = []
    model.reid_branch.pooling.register_forward_hook(lambda *a: passes.append(1))
    found = model.predict(inputs, samples)
    assert len(passes) == 1
    for sample in found:
        for field in ('pred_instances', 'gt_instances', 'query_instances'):
            instances = sample.get(field)
            assert instances.embeddings.shape == (len(instances), 8)
            torch.testing.assert_close(instances.embeddings.norm(dim=1), torch.ones(len(instances)))
    # The query is the first person of the ground truth: one box, one embedding.
    torch.testing.assert_close(
        found[0].query_instances.embeddings[0], found[0].gt_instances.embeddings[0]
    )


def test_boxes_in_image_pixels_are_scaled_to_the_networks_input():
    model = tiny_searcher().eval()
    inputs, samples = packed_batch(images=1)
    expected = model.predict(inputs, copy.deepcopy(samples))[0].gt_instances.embeddings
    scaled = samples[0]
    scaled.set_metainfo({'scale_factor': (0.5, 0.25)})
    scaled.gt_instances.bboxes = scaled.gt_instances.bboxes * torch.tensor([2.0, 4.0, 2.0, 4.0])
    found = model.predict(inputs, [scaled])[0].gt_instances.embeddings
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_no_box_at_all():
    detector = tiny_detector()
    detector['test_cfg'] = {**detector['test_cfg'], 'score_thr': 1.0}
    model = tiny_searcher(detector=detector).eval()
    inputs, samples = packed_batch(boxes=[])
    for sample in model.predict(inputs, samples):
        assert sample.pred_instances.embeddings.shape == (0, 8)
    assert instances_to_embed([]) == []


def test_chunks_do_not_change_embeddings():
    model = tiny_searcher().eval()
    feature = torch.randn(1, 32, 12, 16)
    rois = torch.tensor([[0, 1.0, 1, 9 + i, 60 + i] for i in range(7)])
    whole = model.reid_branch(feature, rois)
    model.reid_branch.chunk = 2
    torch.testing.assert_close(model.reid_branch(feature, rois), whole, atol=1e-6, rtol=0)


def test_unlabelled_people_do_not_reach_the_reid_loss():
    model = tiny_searcher().train()
    inputs, samples = packed_batch()
    for sample in samples:
        sample.gt_instances.person_ids[:] = UNLABELLED
    losses = model.loss(inputs, samples)
    assert losses['loss_triplet'].item() == 0


@pytest.mark.parametrize('wanted', [False, True])
def test_unlabelled_people_are_negatives_in_the_joint_phase_where_the_loss_says_so(wanted):
    loss = {'type': 'mmps.BatchHardTripletLoss', 'unlabelled_negatives': wanted}
    model = tiny_searcher(reid_branch={'head': {'embedding_channels': 8, 'loss': loss}}).eval()
    inputs, samples = packed_batch()
    for sample, ids in zip(samples, ([4, -2], [4, 7]), strict=True):
        sample.gt_instances.person_ids = torch.tensor(ids)
    rois, ids = training_rois(samples, model.source.training_boxes, unlabelled=True)
    assert ids.tolist() == [4, UNLABELLED, 4, 7]
    found = model.loss(inputs, samples)['loss_triplet']
    pooled = model.reid_branch.pooling(model.source.run(inputs), rois)
    embeddings = model.reid_branch.embed(pooled)
    expected = batch_hard_loss(embeddings, ids.tolist(), 0.3, 'euclidean', wanted)
    other = batch_hard_loss(embeddings, ids.tolist(), 0.3, 'euclidean', not wanted)
    assert found.item() == pytest.approx(expected.item(), abs=1e-6)
    assert found.item() != pytest.approx(other.item(), abs=1e-6)


def test_checkpoint_of_a_plain_detector_is_adopted():
    model = tiny_searcher(phase='detection')
    plain = MODELS.build(tiny_detector())
    branch = copy.deepcopy(model.reid_branch.state_dict())
    assert 'not match' not in str(load_state_dict(model, plain.state_dict(), strict=True))
    assert all(torch.equal(branch[k], v) for k, v in model.reid_branch.state_dict().items())
    for name, weight in plain.state_dict().items():
        assert torch.equal(model.detector.state_dict()[name], weight)


def test_checkpoint_of_something_else_is_refused():
    with pytest.raises(UserError, match="no weight of the detector's backbone"):
        tiny_searcher().load_state_dict({'encoder.weight': torch.zeros(3)}, strict=False)


def test_start_of_phase_2_copies_the_detectors_stages():
    model = tiny_searcher(3)
    assert not torch.equal(
        model.reid_branch.stages.stages[0][0].conv1.weight,
        model.detector.backbone.layer3[0].conv1.weight,
    )
    begin_branch(model)
    for name, stage in zip(['layer3', 'layer4'], model.reid_branch.stages.stages, strict=True):
        theirs = getattr(model.detector.backbone, name).state_dict()
        assert all(torch.equal(theirs[k], v) for k, v in stage.state_dict().items())


@pytest.mark.parametrize(
    ('phase', 'start', 'copied'),
    [('joint', 'detector', True), ('joint', 'random', False), ('detection', 'detector', False)],
)
def test_a_detectors_checkpoint_starts_the_branch_of_the_joint_phase(phase, start, copied):
    branch = {'stages': {'start_from': start}, 'head': {'embedding_channels': 8}}
    model = tiny_searcher(3, phase=phase, reid_branch=branch)
    before = copy.deepcopy(model.reid_branch.state_dict())
    torch.manual_seed(5)
    trained = {k: torch.randn_like(v.float()) for k, v in model.detector.state_dict().items()}
    model.load_state_dict(trained, strict=False)
    for name, stage in zip(['layer3', 'layer4'], model.reid_branch.stages.stages, strict=True):
        for key, weight in stage.state_dict().items():
            if 'num_batches' not in key:
                assert torch.equal(weight, trained[f'backbone.{name}.{key}']) == copied
    after = model.reid_branch.state_dict()
    heads = [key for key in after if not key.startswith('stages.')]
    assert heads
    assert all(torch.equal(before[key], after[key]) for key in (heads if copied else after))


def test_random_start_leaves_the_branch_alone():
    model = tiny_searcher(
        3, reid_branch={'stages': {'start_from': 'random'}, 'head': {'embedding_channels': 8}}
    )
    before = copy.deepcopy(model.reid_branch.state_dict())
    begin_branch(model)
    assert all(torch.equal(before[k], v) for k, v in model.reid_branch.state_dict().items())


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'shared_stages': 6}, 'shared_stages=6 is not possible with the 4 stages'),
        ({'phase': 'both'}, "phase='both' must be one of detection, reid, joint"),
        ({'reid_branch': {'stages': {'start_from': 'zero'}}}, "start_from='zero' must be one of"),
    ],
)
def test_impossible_settings_are_told(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny_searcher(**{'shared_stages': 3, **changes})


def test_boxes_in_network_pixels_are_not_offered():
    with pytest.raises(ValueError, match='predicts boxes in image pixels only'):
        tiny_searcher().eval().predict(*packed_batch(), rescale=False)


def test_an_empty_tap_is_told():
    with pytest.raises(RuntimeError, match='did not run its backbone'):
        tiny_searcher().source.feature  # noqa: B018


def test_the_fingerprint_knows_how_images_are_normalised():
    plain, other = tiny_detector(), tiny_detector()
    other.data_preprocessor.update(mean=[1, 2, 3], std=[4, 5, 6])
    one, two = (tiny_searcher(3, detector).feature_fingerprint() for detector in (plain, other))
    assert one != two


@pytest.mark.parametrize('change', [{'style': 'caffe'}, {'norm_cfg': {'type': 'BN', 'eps': 0.1}}])
def test_the_fingerprint_knows_how_a_backbone_computes(change):
    plain, other = tiny_detector(), tiny_detector()
    for detector in (plain, other):
        detector.backbone.depth = 50
        detector.neck.in_channels = [64, 128, 256, 512]
    other.backbone.update(change)
    one, two, three = (tiny_searcher(3, detector) for detector in (plain, other, plain))
    two.load_state_dict(one.state_dict())
    prints = [model.feature_fingerprint() for model in (one, two, three)]
    assert prints[0]['weights'] == prints[1]['weights']
    assert prints[0] != prints[1]
    assert prints[0] == prints[2]
