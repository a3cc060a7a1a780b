import re
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope
from mmengine.runner import EpochBasedTrainLoop
from torch import nn

from mmps.engine.checks import reid_lr_factor
from mmps.models.reid.roi_pooling import PAPER_SIZES
from mmps.registry import MODELS
from mmps.testing.builders import packed_batch

CONFIGS = Path(__file__).parents[2] / 'configs'
LEAVES = sorted(p for p in CONFIGS.glob('*/*.py') if p.parent.name not in ('_base_', 'reid_head'))
PRESETS = [p for p in LEAVES if p.parent.name == 'plus' and '_plain_' not in p.name]
PAPER = [p for p in LEAVES if p.parent.name in ('joint', 'disjoint') and 'direct' not in p.name]
DETECTORS = {'retinanet': 'RetinaNet', 'faster-rcnn': 'FasterRCNN', 'fcos': 'FCOS', 'atss': 'ATSS'}
SETS = {'c': 'cuhk_sysu', 'p': 'prw', 'm': 'mot17_det', 'w': 'wider_pedestrian'}
NAME = re.compile(
    r'((?P<algorithm>joint-j(?P<j>[234])|disjoint)_)?'
    r'(?P<detector>retinanet|faster-rcnn|fcos|atss)_(?P<backbone>r50|r18)_fpn'
    r'(_(?P<variant>[a-z][a-z0-9-]{2,}))??'
    r'_(?P<train>synthetic|(?P<detection>[mwcp]+)(-(?P<reid>[cp]))?)(_(?P<test>c))?'
)


def stem(path):
    return f'{path.parent.name}/{path.stem}'


def roots(dataset):
    parts = dataset.datasets if dataset.type == 'ConcatDataset' else [dataset]
    return [part.data_root.rstrip('/').split('/')[-1] for part in parts]


def depth(path):
    bases = Config._get_base_files(str(path)) if hasattr(Config, '_get_base_files') else []
    return 1 + max((depth((path.parent / base).resolve()) for base in bases), default=0)


@pytest.mark.parametrize('path', LEAVES, ids=stem)
def test_chains_have_at_most_three_files(path):
    assert depth(path) <= 3


@pytest.mark.parametrize('path', LEAVES, ids=stem)
def test_the_name_tells_the_truth(path):
    name = NAME.fullmatch(path.stem)
    assert name, f'{path.stem} does not follow the grammar of configs/README.md'
    config = Config.fromfile(path)
    types = {'joint': 'mmps.SharedBackboneDetector', 'disjoint': 'mmps.DisjointDetector'}
    algorithm = (name['algorithm'] or '').split('-')[0]
    assert config.model.type == types.get(algorithm, 'RetinaNet')
    assert config.model.get('detector', config.model).type == DETECTORS[name['detector']]
    if name['j']:
        assert config.model.shared_stages == int(name['j'])
    detector = config.model.get('detector', config.model)
    assert detector.backbone.depth == int(name['backbone'][1:])
    assert ('two_phase' in config.default_hooks) == bool(algorithm and name['variant'] != 'direct')
    if name['detection']:
        reid = name['reid'] or name['detection']
        assert roots(config.train_dataloader.dataset) == [SETS[x] for x in name['detection']]
        if algorithm:
            assert roots(config.cached_people.dataset) == [SETS[reid]]
            tested = SETS[name['test'] or reid]
            assert roots(config.test_dataloader.dataset) == [tested]
            assert tested in config.test_evaluator.ann_file


@pytest.mark.parametrize('path', [*LEAVES, *CONFIGS.glob('reid_head/*.py')], ids=stem)
def test_checkpoints_of_every_config_are_read_by_stock_torch(path):
    hooks = Config.fromfile(path).default_hooks
    assert hooks.portable_checkpoint.type == 'mmps.PortableCheckpointHook'


@pytest.mark.parametrize('path', PAPER, ids=stem)
def test_the_papers_numbers_are_kept(path):
    """Loesch et al., section 3.1."""
    config = Config.fromfile(path)
    hook = config.default_hooks.two_phase
    assert config.train_dataloader.batch_size == 10
    for loader in (config.train_dataloader, config.cached_people, config.test_dataloader):
        dataset = loader.dataset
        for part in dataset.datasets if dataset.type == 'ConcatDataset' else [dataset]:
            (resize,) = [step for step in part.pipeline if step.type == 'Resize']
            assert (resize.scale, resize.keep_ratio) == ((640, 640), False)
            assert not [step for step in part.pipeline if 'Random' in step.type]
    optimizer = config.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.momentum) == ('SGD', 1e-3, 0.9)
    assert hook.detection_epochs == 90
    assert (hook.batches.identities, hook.batches.shots) == (32, 4)
    assert (hook.optim_wrapper.optimizer.type, hook.optim_wrapper.optimizer.lr) == ('Adam', 1e-4)
    assert [(s.epochs, s.loss.type) for s in hook.stages] == [
        (350, 'mmps.SemiHardTripletLoss'),
        (350, 'mmps.BatchHardTripletLoss'),
    ]
    assert config.train_cfg.max_epochs == 790
    assert config.model.detector.bbox_head.num_classes == 1
    assert 'coco' in config.load_from


@pytest.mark.parametrize('path', LEAVES, ids=stem)
def test_the_baseline_alone_keeps_original_images(path):
    config = Config.fromfile(path)
    for name in ('train_dataloader', 'cached_people', 'val_dataloader', 'test_dataloader'):
        dataset = (config.get(name) or {}).get('dataset', {})
        for part in dataset.get('datasets', [dataset] if dataset else []):
            kept = [step.type for step in part.pipeline].count('mmps.KeepOriginalImage')
            searches = name != 'train_dataloader'
            assert kept == (config.model.type == 'mmps.DisjointDetector' and searches)


@pytest.mark.parametrize(
    'name', ['joint/joint-j3_retinanet_r50_fpn_c', 'detection/retinanet_r50_fpn_c']
)
def test_paper_configs_validate_detection_often_and_the_branch_rarely(name):
    settings = {
        k: v for k, v in Config.fromfile(CONFIGS / f'{name}.py').train_cfg.items() if k != 'type'
    }
    runner, loader, validated = MagicMock(), MagicMock(), []
    loader.__iter__.side_effect = lambda: iter(())
    loop = EpochBasedTrainLoop(runner, loader, **settings)
    runner.val_loop.run.side_effect = lambda: validated.append(loop.epoch)
    loop.run()
    reid = [*range(100, 701, 100), 790] if loop.max_epochs == 790 else []
    assert validated == [*range(10, 91, 10), *reid]


@pytest.mark.slow
@pytest.mark.parametrize(
    'name', ['joint/joint-j3_retinanet_r50_fpn_c', 'disjoint/disjoint_retinanet_r50_fpn_c']
)
def test_batch_statistics_of_re_id_are_trained_and_those_of_the_detector_are_not(name):
    init_default_scope('mmdet')
    model = MODELS.build(Config.fromfile(CONFIGS / f'{name}.py').model)
    model.set_phase('reid')
    model.train()
    layers = {
        part: {m.training for m in getattr(model, part).modules() if isinstance(m, nn.BatchNorm2d)}
        for part in ('reid_branch', 'detector')
    }
    assert layers == {'reid_branch': {True}, 'detector': {False}}


def differences(a, b, path=''):
    """Dotted keys at which two configs differ."""
    if isinstance(a, dict) and isinstance(b, dict) and a.get('type') == b.get('type'):
        return {
            key
            for k in {*a, *b}
            for key in differences(a.get(k), b.get(k), f'{path}.{k}' if path else k)
        }
    return set() if a == b else {path}


ONE_THING = {
    'large-roi': {'model.reid_branch'},
    'bnneck': {'model.reid_branch'},
    'last-stride-1': {'model.reid_branch'},
    'gem': {'model.reid_branch'},
    'erasing': {'model.reid_branch'},
    'mirror': {'cached_people.mirror'},
    'jitter': {'cached_people.jitters'},
    'memory': {'default_hooks.two_phase.stages'},
    'ema': {'custom_hooks'},
    'combined': {'model.reid_branch', 'cached_people.mirror', 'custom_hooks'},
}


@pytest.mark.parametrize('path', PRESETS, ids=stem)
def test_a_preset_changes_one_thing(path):
    name, config = NAME.fullmatch(path.stem), Config.fromfile(path)
    big = name['backbone'] == 'r50'
    base = (
        CONFIGS / 'joint' / 'joint-j3_retinanet_r50_fpn_c.py'
        if big
        else CONFIGS / 'plus' / 'joint-j3_retinanet_r18_fpn_plain_synthetic.py'
    )
    changed = differences(config._cfg_dict.to_dict(), Config.fromfile(base)._cfg_dict.to_dict())
    allowed = ONE_THING[name['variant']]
    assert changed
    assert all(any(key.startswith(a) for a in allowed) for key in changed), changed


def test_every_preset_exists_at_full_size_and_as_a_toy():
    names = {size: {NAME.fullmatch(p.stem)['variant'] for p in PRESETS if size in p.name}
             for size in ('r50', 'r18')}  # fmt: skip
    assert names['r50'] == names['r18'] == set(ONE_THING)


@pytest.mark.parametrize('folder', sorted({p.parent for p in LEAVES}), ids=lambda p: p.name)
def test_every_config_stands_in_its_folders_readme(folder):
    text = (folder / 'README.md').read_text(encoding='utf-8')
    missing = [p.stem for p in folder.glob('*.py') if p.stem not in text]
    assert not missing or folder.name in ('toy', 'plus')


def schedule(configs, base, epochs, epoch_length):
    """Learning rates that MMEngine's schedulers give, iteration by iteration."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    schedulers = []
    for original in configs:
        config = {'end': epochs, **original} if original.get('by_epoch', True) else dict(original)
        scheduler = PARAM_SCHEDULERS.get(config.pop('type'))
        if config.pop('convert_to_iter_based', False):
            build, extra = scheduler.build_iter_from_epoch, {'epoch_length': epoch_length}
        else:
            build, extra = scheduler, {}
        schedulers.append(build(optimizer=optimizer, **config, **extra))
    rates = []
    for _ in range(epochs * epoch_length):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return torch.tensor(rates, dtype=torch.float64)


@pytest.mark.parametrize(('phase', 'epochs', 'base'), [(1, 90, 1e-3), (2, 700, 1e-4)])
def test_schedules_are_linear_cosine(phase, epochs, base):
    config = Config.fromfile(CONFIGS / 'joint' / 'joint-j3_retinanet_r50_fpn_c.py')
    configs = (
        config.param_scheduler if phase == 1 else config.default_hooks.two_phase.param_scheduler
    )
    rates = schedule(configs, base, epochs, epoch_length=20)
    t = torch.arange(len(rates), dtype=torch.float64)
    end = len(rates)
    expected = base * (1 - t / end) * (1 + torch.cos(torch.pi * t / end)) / 2
    if phase == 1:
        expected *= torch.clamp(0.001 + 0.999 * t / 499, max=1)
    torch.testing.assert_close(rates, expected, atol=base * 1e-3, rtol=0)
    assert rates[0] == pytest.approx(base * (0.001 if phase == 1 else 1))


@pytest.mark.slow
@pytest.mark.parametrize('path', [p for p in LEAVES if p.parent.name != 'cross_dataset'], ids=stem)
def test_it_builds_and_takes_a_step_of_each_phase(path):
    init_default_scope('mmdet')
    config = Config.fromfile(path)
    model = MODELS.build(config.model).train()
    inputs, samples = packed_batch(images=1, size=(128, 128))
    losses = model.loss(inputs, samples)
    sum(sum(v) if isinstance(v, list) else v for k, v in losses.items() if 'loss' in k).backward()
    reached = {n for n, p in model.named_parameters() if p.grad is not None}
    assert any(n.endswith('backbone.conv1.weight') for n in reached)
    if 'two_phase' not in config.default_hooks:
        return
    stages = config.model.get('shared_stages')
    if stages and 'r50' in path.name and 'large-roi' not in path.name:
        assert model.pooled_shape == ({2: 256, 3: 512, 4: 1024}[stages], *PAPER_SIZES[stages])
    model.zero_grad(set_to_none=True)
    model.set_phase('reid')
    for stage in config.default_hooks.two_phase.stages:
        model.reid_branch.head.set_loss(stage.loss)
        pooled = torch.rand(4, *model.pooled_shape)
        losses = model(pooled=pooled, person_ids=torch.tensor([0, 0, 1, 1]), mode='loss')
        assert losses['loss_triplet'] > 0
    losses['loss_triplet'].backward()
    reached = {n for n, p in model.named_parameters() if p.grad is not None}
    # The neck's shift is fixed at 0 by design.
    assert reached == {
        n
        for n, _ in model.named_parameters()
        if n.startswith('reid_branch') and not n.endswith('neck.bias')
    }


@pytest.mark.parametrize('path', PAPER, ids=stem)
def test_learning_rates_that_follow_the_batch_are_the_papers_at_its_batches(path):
    config = Config.fromfile(path)
    scaling = {**config.auto_scale_lr, 'enable': True}
    assert not config.auto_scale_lr.enable
    assert config.train_dataloader.batch_size == scaling['base_batch_size']
    batches = config.default_hooks.two_phase.batches
    assert reid_lr_factor(scaling, batches.identities * batches.shots) == 1
