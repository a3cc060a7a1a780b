"""Each family of backbones shares its stages by config alone: a step of each phase, prediction."""

import copy

import pytest
import torch
from mmengine.registry import init_default_scope

from mmps.checkpoints.gaps import LATER, SHARED, part_of
from mmps.checkpoints.origin import begin_branch
from mmps.engine.learning import check_shared
from mmps.models.inference import fold_normalisation
from mmps.models.reid.backbones import Stage, stages_of
from mmps.models.reid.stages import run_to
from mmps.registry import MODELS
from mmps.structures import ConfigError
from mmps.testing.backbones import BACKBONES, CHANNELS, detector_on
from mmps.testing.builders import packed_batch, tiny_searcher

SPLIT = {'resnet': (4, 3), 'swin': (4, 1), 'pvt': (4, 1), 'pvt-v2': (4, 1), 'mobilenet-v2': (4, 5)}
CASES = [(name, j) for name in BACKBONES for j in (2, 3, 4)] + [*SPLIT.items()]


def searcher(name, shared_stages, **changes):
    return tiny_searcher(shared_stages, detector_on(name), **changes)


def shared_weights(model):
    """Parameters that the shared feature depends on, by one backward pass through it."""
    feature = model.source.run(packed_batch()[0])
    weights = dict(model.detector.named_parameters())
    gradients = torch.autograd.grad(feature.square().sum(), weights.values(), allow_unused=True)
    return {f'detector.{n}' for n, g in zip(weights, gradients, strict=True) if g is not None}


@pytest.mark.parametrize(('name', 'shared_stages'), CASES)
def test_one_step_of_each_phase_a_prediction_and_parity(name, shared_stages):
    model = searcher(name, shared_stages).train()
    inputs, samples = packed_batch(images=3)
    check_detection_step(model, inputs, copy.deepcopy(samples))
    begin_branch(model)
    check_parity(model, name, shared_stages)
    check_reid_step(model, inputs)
    for sample in model.eval().predict(inputs, samples):
        assert sample.pred_instances.embeddings.isfinite().all()
        assert sample.gt_instances.embeddings.shape == (2, 8)


def check_detection_step(model, inputs, samples):
    shared = shared_weights(model)
    named = model.detector.named_parameters(prefix='detector')
    assert shared == {name for name, _ in named if part_of(name, model) == SHARED}
    model.set_phase('detection')
    check_shared(model)
    sum(sum(v) for v in model.loss(inputs, samples).values()).backward()
    reached = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert len(reached & shared) > 0.9 * len(shared)
    assert all(name.startswith('detector.') for name in reached)
    model.zero_grad(set_to_none=True)


def check_reid_step(model, inputs):
    """Gradients reach all of the branch, and nothing of the detector."""
    model.train().set_phase('reid')
    boxes = [[i, *box] for i in range(3) for box in [[10, 10, 40, 90], [60, 20, 85, 80]]]
    pooled = model.pool(inputs, torch.tensor(boxes).float())
    assert pooled.shape == (6, *model.pooled_shape)
    assert not pooled.requires_grad
    model(pooled=pooled, person_ids=torch.arange(6) // 2, mode='loss')['loss_triplet'].backward()
    reached = {n for n, p in model.named_parameters() if p.grad is not None}
    assert reached == {n for n, _ in model.named_parameters() if n.startswith('reid_branch.')}


def check_parity(model, name, shared_stages):
    """Replicated stages on the whole shared feature compute the backbone's own last output."""
    # Torch's attention rounds otherwise where weights do not learn: here all do, or none.
    model.eval().set_phase('joint')
    inputs, _ = packed_batch(size=(128, 96))
    backbone = model.detector.backbone
    with torch.no_grad():
        feature, outputs = model.source.run(inputs), backbone(inputs)
        assert torch.equal(model.reid_branch.stages(feature), outputs[-1])
        if shared_stages == (4, 3):
            assert torch.equal(feature, run_to(backbone.layer3[3], backbone, inputs))
    j = shared_stages if isinstance(shared_stages, int) else shared_stages[0]
    assert (model.source.stage, model.source.stride) == (j, 2**j)
    assert j != shared_stages or model.source.channels == CHANNELS[name][j - 2]


@pytest.mark.parametrize('name', BACKBONES)
def test_every_weight_of_the_stages_has_its_part(name):
    model = searcher(name, 3)
    parts = {part_of(n, model) for n in model.state_dict()}
    assert parts == {SHARED, LATER, "detector's neck and heads", 'replicated stages', 'head'}


@pytest.mark.parametrize('name', ['swin', 'mobilenet-v2', 'csp-next'])
def test_folded_normalisation_gives_the_same_embeddings(name):
    model = searcher(name, 3).eval()
    inputs, samples = packed_batch()
    with torch.no_grad():
        before = model.predict(inputs, copy.deepcopy(samples))[0].gt_instances.embeddings
        fold_normalisation(model)
        after = model.predict(inputs, copy.deepcopy(samples))[0].gt_instances.embeddings
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('name', ['swin', 'pvt', 'csp-darknet', 'mobilenet-v2'])
def test_crops_may_have_a_backbone_of_any_family(name):
    init_default_scope('mmdet')
    config = {'type': 'mmps.CropBackbone', 'backbone': dict(BACKBONES[name])}
    backbone = MODELS.build({**config, 'mean': [0.0] * 3, 'std': [1.0] * 3})
    assert backbone.out_channels == CHANNELS[name][-1]
    assert backbone(torch.zeros(2, 3, 64, 32)).shape[1] == backbone.out_channels


@pytest.mark.parametrize(
    ('name', 'shared_stages', 'words'),
    [
        ('resnet', (4, 6), '6 blocks of stage 4 of ResNet: choose 1 to 5'),
        ('resnet', (4, 0), 'choose 1 to 5'),
        ('resnet', (6, 1), 'stages 2 to 5 of ResNet'),
        ('resnet', 4.3, r'4.3 must be a whole number .* \(4, 3\)'),
        ('csp-darknet', (4, 1), 'CSPDarknet cannot be split'),
        ('swin', 5, 'choose 2 to 4'),
    ],
)
def test_what_cannot_be_split_is_refused(name, shared_stages, words):
    with pytest.raises(ConfigError, match=words):
        searcher(name, shared_stages)


def test_a_pooled_size_that_is_too_small_for_attention_is_refused():
    branch = {'pooling': {'output_size': (8, 4)}, 'head': {'embedding_channels': 8}}
    with pytest.raises(ConfigError, match=r'pooled to \(8, 4\) .*output_size'):
        searcher('pvt-v2', 2, reid_branch=branch)


def test_the_last_stride_is_that_of_any_backbone_with_strides():
    branch = {'stages': {'last_stride': 1}, 'head': {'embedding_channels': 8}}
    for name in ('swin', 'pvt-v2', 'resnet'):
        model = searcher(name, 3, reid_branch=copy.deepcopy(branch))
        maps = model.reid_branch.stages(torch.zeros(1, *model.pooled_shape))
        assert maps.shape[2:] == (8, 4), name
    with pytest.raises(ConfigError, match='needs a backbone whose config has `strides`'):
        searcher('csp-next', 3, reid_branch=branch)


class Plain(torch.nn.Module):
    """A backbone of no known family."""

    def __init__(self):
        super().__init__()
        self.parts = torch.nn.ModuleList(torch.nn.Conv2d(3, 3, 2, 2) for _ in range(4))

    def forward(self, maps):
        for part in self.parts:
            maps = part(maps)
        return (maps,)


def test_a_family_is_added_in_one_place():
    from mmps.models.reid.stages import replicable_stages, split_backbone

    with pytest.raises(ConfigError, match='stages of Plain are not known'):
        split_backbone(Plain(), 2)
    stages_of.register(Plain, lambda backbone: [Stage([[f'parts.{k}']]) for k in range(1, 4)])
    backbone, image = Plain(), torch.randn(1, 3, 64, 64)
    split = split_backbone(backbone, 3)
    assert (split.stride, split.later) == (8, ('parts.3',))
    later, channels = replicable_stages(backbone, 3)
    assert channels == 3
    assert torch.equal(later(run_to(split.entry, backbone, image)), backbone(image)[-1])
