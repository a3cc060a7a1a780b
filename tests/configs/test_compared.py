"""The compared systems: each learns on proposals, and resumes to the bit."""

import copy
import re
import shutil

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from mmps.models.reid import TripletReIDHead
from mmps.registry import MODELS
from mmps.structures import BACKGROUND, UNLABELLED, IdentityMap
from mmps.testing.builders import packed_batch
from mmps.testing.runs import joint_run, train

from .leaves import CONFIGS, LEAVES, NAME, load

COMPARED = {p.stem: p for p in LEAVES if p.parent.name == 'compared'}
SYSTEMS = {NAME.fullmatch(name)['algorithm']: name for name in COMPARED}
FULL = {s: COMPARED[f'{s}_faster-rcnn_r50_c4_c'] for s in SYSTEMS}
TOY = {s: COMPARED[f'{s}_faster-rcnn_r18_fpn_synthetic'] for s in SYSTEMS}
ONE_LOSS = 'loss_'


def without_sizes(config):
    """A head without what follows the size of a data set: the toys' are smaller."""
    if isinstance(config, dict):
        small = ('queue_size', 'dictionary_size', 'embedding_channels')
        return {k: without_sizes(v) for k, v in config.items() if k not in small}
    return config


@pytest.mark.parametrize('system', SYSTEMS)
def test_a_toy_is_its_system_made_small(system):
    full, toy = (load(paths[system]) for paths in (FULL, TOY))
    heads = [without_sizes(c.model.reid_branch.head.to_dict()) for c in (full, toy)]
    assert heads[0] == heads[1]
    for config in (full, toy):
        assert config.model.detach is False
        assert config.model.training_boxes.type == 'mmps.ProposalBoxes'
    assert full.model.training_boxes.get('refine') == toy.model.training_boxes.get('refine')
    assert full.test_evaluator.get('score_weighted') == toy.test_evaluator.get('score_weighted')


def run(system, data, work_dir, **changes):
    """Two short epochs of a toy on a tiny detector."""
    config = joint_run(TOY[system], data, work_dir, train_cfg__max_epochs=2, **changes)
    config.train_cfg.val_interval = 100
    config.train_dataloader.dataset.indices = 12
    return config


@pytest.mark.slow
@pytest.mark.parametrize('system', SYSTEMS)
def test_a_run_that_ended_after_an_epoch_goes_on_to_the_same_bits(system, drawn_once, tmp_path):
    whole, resumed = tmp_path / 'whole', tmp_path / 'resumed'
    train(run(system, drawn_once, whole))
    resumed.mkdir()
    path = shutil.copy(whole / 'epoch_1.pth', resumed)
    train(run(system, drawn_once, resumed, resume=True, load_from=str(path)))
    first, ours, theirs = (
        torch.load(folder / f'epoch_{epoch}.pth')['state_dict']
        for folder, epoch in ((whole, 1), (resumed, 2), (whole, 2))
    )
    assert not [name for name in theirs if not torch.equal(ours[name], theirs[name])]
    moved = {name for name in theirs if not torch.equal(first[name], theirs[name])}
    assert {'reid_branch.head.embedding.weight', 'detector.backbone.conv1.weight'} <= moved
    assert any('.losses.' in name for name in moved)


def people():
    inputs, samples = packed_batch(images=1, size=(128, 128))
    samples[0].gt_instances.person_ids = torch.tensor([4, 4])
    return inputs, samples


@pytest.mark.slow
@pytest.mark.parametrize('split', [(4, 3), 4], ids=str)
def test_full_size_models_build_and_reach_what_is_shared(split):
    """One model for each split; the heads of all systems with it are tried on it in turn."""
    init_default_scope('mmdet')
    configs = [load(path).model for path in FULL.values()]
    configs = [config for config in configs if config.shared_stages == split]
    assert len(configs) >= 4
    config = copy.deepcopy(configs[0]).to_dict()
    few = {'type': 'RandomSampler', 'num': 4, 'pos_fraction': 0.5}  # of 128 boxes, to be quick
    config['training_boxes']['sampler'] = config['detector']['train_cfg']['rcnn']['sampler'] = few
    model = MODELS.build(config).train()
    assert model.pooled_shape == (1024, 14, 14)
    assert model.reid_branch.stages.out_channels == 2048
    blocks = [m for m in model.reid_branch.stages.modules() if type(m).__name__ == 'Bottleneck']
    assert len(blocks) == (6 if split == (4, 3) else 3)
    inputs, samples = people()
    for config in configs:
        head = {'in_channels': 2048, 'type': 'mmps.TripletReIDHead', **config.reid_branch.head}
        model.reid_branch.head = MODELS.build(copy.deepcopy(head))
        model.reid_branch.head.init_weights()
        model.set_identities(IdentityMap([4, 9, 7]))
        pooled = torch.rand(6, 1024, 2, 2)
        ids = torch.tensor([0, 0, 1, 2, UNLABELLED, BACKGROUND])
        model.reid_branch.loss(pooled, ids)  # fills tables, from which gradients come
        losses = model.reid_branch.loss(pooled, ids)
        sum(value for key, value in losses.items() if ONE_LOSS in key).backward()
        assert model.reid_branch.head.embedding.weight.grad.any()
    model.zero_grad(set_to_none=True)
    losses = model.loss(inputs, copy.deepcopy(samples))
    total = [v for key, v in losses.items() if key in ('loss_triplet', 'loss_reid', 'loss_norm')
             or key.startswith(('loss_oim', 'loss_softmax', 'loss_iel'))]  # fmt: skip
    sum(total).backward()
    shared = model.detector.backbone.layer3
    reached = [conv.weight.grad is not None for conv in shared[2].modules()
               if isinstance(conv, nn.Conv2d)]  # fmt: skip
    assert all(reached)
    assert (shared[3].conv1.weight.grad is None) == (split == (4, 3))


def test_the_readmes_ninth_system_is_one_file(tmp_path):
    """Centre loss on J3: it trains in phase 2 as the base does."""
    text = (COMPARED['jdi-oim_faster-rcnn_r50_c4_c'].parent / 'README.md').read_text('utf-8')
    (written,) = re.findall(r'```python\n(.*?)```', text, re.S)
    path = tmp_path / 'ninth.py'
    path.write_text(written.replace("'../toy/", f"'{CONFIGS}/toy/"))
    config = Config.fromfile(path)
    (stage,) = config.default_hooks.two_phase.stages
    first = load(CONFIGS / 'toy' / 'joint-j3_retinanet_r18_fpn_synthetic.py')
    assert stage.epochs == sum(s.epochs for s in first.default_hooks.two_phase.stages)
    head = TripletReIDHead(6, 4, loss=stage.loss)
    head.set_num_ids(3)
    logged = head.loss(torch.randn(6, 6), torch.tensor([0, 0, 1, 1, 2, 2]))
    torch.testing.assert_close(logged['loss_reid'], logged['triplet'] + 0.01 * logged['center'])
    assert head.losses.active.losses['center'].centers.any(1).all()
