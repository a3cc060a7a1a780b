import copy

import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint, load_state_dict

from mmps.checkpoints.origin import begin_branch
from mmps.checkpoints.resuming import mark_branch
from mmps.registry import MODELS
from mmps.testing.builders import tiny_detector, tiny_searcher

STAGE = 'reid_branch.stages.stages.0.0.conv1.weight'
THEIRS = 'detector.backbone.layer3.0.conv1.weight'
HEAD = 'reid_branch.head.embedding.weight'


@pytest.fixture
def trained():
    """Weights of a model whose branch is no copy of its detector."""
    torch.manual_seed(5)
    weights = tiny_searcher().state_dict()
    return {n: torch.rand_like(w) if w.is_floating_point() else w for n, w in weights.items()}


def saved(tmp_path, weights, **meta):
    path = tmp_path / 'x.pth'
    torch.save({'state_dict': weights, 'meta': meta}, path)
    return path


def started(path, **changes):
    """A model that has loaded a file as MMEngine does, and begun phase 2."""
    model = tiny_searcher(phase='detection', **changes)
    checkpoint = torch.load(path, weights_only=True)
    mark_branch(checkpoint)
    load_state_dict(model, checkpoint['state_dict'])
    model.set_phase('reid')
    begin_branch(model)
    return model.state_dict()


@pytest.mark.parametrize('start', ['detector', 'random'])
def test_a_branch_that_the_checkpoint_fills_is_kept(trained, tmp_path, mm_log, start):
    path = saved(tmp_path, trained, mmps_phase='reid')
    branch = {'stages': {'start_from': start}, 'head': {'embedding_channels': 8}}
    weights = started(path, reid_branch=branch)
    assert all(torch.equal(weights[name], trained[name]) for name in trained)
    assert 'continues from the checkpoint' in mm_log.text


def test_disjoint_networks_keep_what_a_checkpoint_fills(mm_log):
    init_default_scope('mmdet')
    config = {'type': 'mmps.DisjointDetector', 'detector': tiny_detector(), 'phase': 'detection'}
    loaded, model = (MODELS.build(config) for _ in range(2))
    model.load_state_dict(loaded.state_dict())
    begin_branch(model)
    assert all(torch.equal(w, loaded.state_dict()[n]) for n, w in model.state_dict().items())
    assert 'continues from the checkpoint' in mm_log.text
    fresh = MODELS.build(config)
    fresh.load_state_dict(loaded.detector.state_dict(), strict=False)
    begin_branch(fresh)
    assert 'begins with the weights that its config' in mm_log.text


def test_a_branch_that_no_checkpoint_fills_begins_as_the_detector(trained, tmp_path, mm_log):
    detector = {n: w for n, w in trained.items() if n.startswith('detector.')}
    weights = started(saved(tmp_path, detector))
    assert torch.equal(weights[STAGE], trained[THEIRS])
    assert "copies of the detector's stages" in mm_log.text


def test_another_head_keeps_the_stages(trained, tmp_path):
    path = saved(tmp_path, trained)
    weights = started(path, reid_branch={'head': {'embedding_channels': 16}})
    assert torch.equal(weights[STAGE], trained[STAGE])
    assert len(weights[HEAD]) == 16


@pytest.mark.parametrize('start', ['detector', 'random'])
def test_nothing_is_kept_of_a_branch_of_another_j(trained, tmp_path, mm_log, start):
    branch = {'stages': {'start_from': start}, 'head': {'embedding_channels': 8}}
    fresh = tiny_searcher(4, reid_branch=branch).state_dict()
    weights = started(saved(tmp_path, trained), shared_stages=4, reid_branch=branch)
    assert torch.equal(weights[HEAD], fresh[HEAD])
    expected = trained['detector.backbone.layer4.0.conv1.weight']
    assert torch.equal(weights[STAGE], expected if start == 'detector' else fresh[STAGE])
    assert 'does not fill the replicated stages' in mm_log.text
    assert 'continues from the checkpoint' not in mm_log.text


def test_the_branch_of_a_file_of_phase_1_counts_as_none(trained, tmp_path):
    weights = started(saved(tmp_path, trained, mmps_phase='detection'))
    assert torch.equal(weights[STAGE], trained[THEIRS])
    fine_tuned = saved(tmp_path, trained, mmps_phase='detection', mmps_branch_trained=True)
    assert torch.equal(started(fine_tuned)[STAGE], trained[STAGE])


def test_a_file_of_phase_1_says_that_its_branch_is_untrained(trained, tmp_path, mm_log):
    checkpoint = {'state_dict': trained, 'meta': {'mmps_phase': 'detection'}}
    mark_branch(checkpoint)
    torch.save(checkpoint, tmp_path / 'epoch_1.pth')
    load_checkpoint(tiny_searcher(phase='detection'), str(tmp_path / 'epoch_1.pth'))
    assert 'branch' not in mm_log.text.partition('saved in phase 1')[2]
    load_checkpoint(tiny_searcher(), str(tmp_path / 'epoch_1.pth'))
    assert 'saved in phase 1, and its re-ID branch is untrained' in mm_log.text


def test_what_init_cfg_reads_starts_the_branch_of_the_joint_phase(trained, tmp_path):
    backbone = {n[18:]: w for n, w in trained.items() if n.startswith('detector.backbone.')}
    torch.save(backbone, tmp_path / 'backbone.pth')
    detector = copy.deepcopy(tiny_detector())
    detector.backbone.init_cfg = {
        'type': 'Pretrained',
        'checkpoint': str(tmp_path / 'backbone.pth'),
    }
    weights = tiny_searcher(detector=detector).state_dict()
    assert torch.equal(weights[THEIRS], trained[THEIRS])
    assert torch.equal(weights[STAGE], trained[THEIRS])
    later = tiny_searcher(detector=detector, phase='detection').state_dict()
    assert not torch.equal(later[STAGE], trained[THEIRS])
    scratch = {'stages': {'start_from': 'random'}, 'head': {'embedding_channels': 8}}
    fresh = tiny_searcher(detector=detector, reid_branch=scratch).state_dict()
    assert not torch.equal(fresh[STAGE], trained[THEIRS])
