"""The configs that one runs: what their names and first lines say is what they do."""

import re
from unittest.mock import MagicMock

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import PARAM_SCHEDULERS
from mmengine.runner import EpochBasedTrainLoop

from mmps.engine.checks import reid_lr_factor
from mmps.engine.optimizing import schedule_of_phase

from .leaves import (
    CONFIGS,
    LEAVES,
    NAME,
    READY,
    REID_ALONE,
    SETS,
    bases,
    is_called,
    load,
    offenders,
    parts,
    roots,
    stem,
)

PAPER = [p for p in LEAVES if p.parent.name in ('joint', 'disjoint') and 'direct' not in p.name]
PROTOCOLS = {'c': 'mmps.CUHKSYSUProtocol', 'p': 'mmps.PRWOfficialProtocol'}
WORDS = {'c': 'CUHK-SYSU', 'p': 'PRW', 'm': 'MOT17Det', 'w': 'WIDER Pedestrian'}


def depth(path):
    return 1 + max(map(depth, bases(path)), default=0)


def test_chains_have_at_most_three_files_and_presets_one_more():
    assert {stem(p) for p in LEAVES if depth(p) > (4 if p.parent.name == 'plus' else 3)} == set()


def test_no_config_that_one_runs_deletes_anything():
    assert [stem(p) for p in [*LEAVES, *REID_ALONE, *READY] if '_delete_' in p.read_text()] == []


def first_line_says_what_it_is(path):
    line, name = path.read_text(encoding='utf-8').split('\n')[0], NAME.fullmatch(path.stem)
    assert re.fullmatch(r'# [A-Z].{20,}', line)
    what = {'joint-': f'J{name["j"]}', 'disjoi': 'Disj.', '': 'Phase 1 alone'}
    assert what.get((name['algorithm'] or '')[:6], 'losses at once') in line
    letters = {*(name['detection'] or ''), name['reid'], name['test']} - {None}
    assert {letter for letter, word in WORDS.items() if word in line} >= letters
    assert name['detection'] or 'toy' in line


def test_first_lines_say_what_a_config_is():
    assert offenders(LEAVES, first_line_says_what_it_is) == {}


def name_is_true(path):
    name, config = NAME.fullmatch(path.stem), load(path)
    assert name, 'the name does not follow the grammar of configs/README.md'
    algorithm = name['algorithm']
    detector = config.model.detector if algorithm else config.model
    kind = 'mmps.DisjointDetector' if algorithm == 'disjoint' else 'mmps.SharedBackboneDetector'
    assert not algorithm or config.model.type == kind
    assert is_called(detector, name['detector'])
    assert not name['j'] or config.model.shared_stages == int(name['j'])
    if name['backbone'] != 'swin-t':
        assert detector.backbone.depth == int(name['backbone'][1:])
    at_once = name['variant'] == 'direct' or path.parent.name == 'compared'
    assert ('two_phase' in config.default_hooks) == bool(algorithm and not at_once)
    if name['detection']:
        reid = name['reid'] or name['detection']
        assert roots(config.train_dataloader.dataset) == [SETS[x] for x in name['detection']]
        if algorithm:
            assert roots(config.cached_people.dataset) == [SETS[reid]]
            tested = name['test'] or reid
            assert roots(config.test_dataloader.dataset) == [SETS[tested]]
            assert config.test_evaluator.protocol.type == PROTOCOLS[tested]
    # The metric reads the annotation file of the tested data set.
    assert not {'ann_file', 'backend_args'} & {*config.val_evaluator, *config.test_evaluator}


def test_names_tell_the_truth():
    assert offenders(LEAVES, name_is_true) == {}


def test_checkpoints_of_every_config_are_read_by_stock_torch():
    hooks = {p: load(p).default_hooks.portable_checkpoint for p in [*LEAVES, *REID_ALONE]}
    assert {p for p, hook in hooks.items() if hook.type != 'mmps.PortableCheckpointHook'} == set()


def numbers_are_the_papers(path):
    config = load(path)
    hook = config.default_hooks.two_phase
    assert config.train_dataloader.batch_size == 10
    for loader in (config.train_dataloader, config.cached_people, config.test_dataloader):
        for part in parts(loader.dataset):
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
    # Learning rates that follow the batch are the paper's at the paper's batches.
    scaling = {**config.auto_scale_lr, 'enable': True}
    assert not config.auto_scale_lr.enable
    assert config.train_dataloader.batch_size == scaling['base_batch_size']
    assert reid_lr_factor(scaling, hook.batches.identities * hook.batches.shots) == 1


def test_the_papers_numbers_are_kept():
    """Loesch et al., section 3.1."""
    assert len(PAPER) == 20
    assert offenders(PAPER, numbers_are_the_papers) == {}


def only_the_baseline_keeps_original_images(path):
    config = load(path)
    for name in ('train_dataloader', 'cached_people', 'val_dataloader', 'test_dataloader'):
        for part in parts(config[name].dataset):
            types = [step.type for step in part.pipeline]
            searches = name != 'train_dataloader'
            keeps = config.model.type == 'mmps.DisjointDetector' and searches
            # Right behind the loader: what follows changes the image.
            assert types[1:2].count('mmps.KeepOriginalImage') == keeps
            assert types.count('mmps.KeepOriginalImage') == keeps


def test_the_baseline_alone_keeps_original_images():
    assert offenders(LEAVES, only_the_baseline_keeps_original_images) == {}


@pytest.mark.parametrize('letters', ['mwp', 'mwcp'])
def test_data_sets_that_a_loop_lists_can_be_set_dumped_and_read_again(tmp_path, letters):
    config = Config.fromfile(CONFIGS / 'detection' / f'retinanet_r50_fpn_{letters}.py')
    config.merge_from_dict({'train_dataloader.dataset.datasets.1.data_root': 'elsewhere/'})
    assert [d.data_root for d in config.train_dataloader.dataset.datasets] == [
        'elsewhere/' if letter == 'w' else f'data/{SETS[letter]}/' for letter in letters
    ]
    config.dump(tmp_path / 'dumped.py')
    assert Config.fromfile(tmp_path / 'dumped.py').to_dict() == config.to_dict()
    again = Config.fromstring(config.pretty_text, '.py')
    assert again.to_dict() == config.to_dict()


@pytest.mark.parametrize(
    'name', ['joint/joint-j3_retinanet_r50_fpn_c', 'detection/retinanet_r50_fpn_c']
)
def test_paper_configs_validate_detection_often_and_the_branch_rarely(name):
    settings = {k: v for k, v in load(CONFIGS / f'{name}.py').train_cfg.items() if k != 'type'}
    runner, loader, validated = MagicMock(), MagicMock(), []
    loader.__iter__.side_effect = lambda: iter(())
    loop = EpochBasedTrainLoop(runner, loader, **settings)
    runner.val_loop.run.side_effect = lambda: validated.append(loop.epoch)
    loop.run()
    reid = [*range(100, 701, 100), 790] if loop.max_epochs == 790 else []
    assert validated == [*range(10, 91, 10), *reid]


@pytest.mark.parametrize('folder', sorted({p.parent for p in LEAVES}), ids=lambda p: p.name)
def test_every_config_stands_in_its_folders_readme(folder):
    text = (folder / 'README.md').read_text(encoding='utf-8')
    missing = [p.stem for p in folder.glob('*.py') if p.stem not in text]
    if folder.name == 'compared':  # a toy has the name of its full-size config
        missing = [name for name in missing if name.split('_')[0] not in text]
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
    config = load(CONFIGS / 'joint' / 'joint-j3_retinanet_r50_fpn_c.py')
    configs = (
        config.param_scheduler if phase == 1 else config.default_hooks.two_phase.param_scheduler
    )
    rates = schedule(schedule_of_phase('', configs, epochs, 20), base, epochs, epoch_length=20)
    t = torch.arange(len(rates), dtype=torch.float64)
    end = len(rates)
    expected = base * (1 - t / end) * (1 + torch.cos(torch.pi * t / end)) / 2
    if phase == 1:
        expected *= torch.clamp(0.001 + 0.999 * t / 499, max=1)
    torch.testing.assert_close(rates, expected, atol=base * 1e-12, rtol=1e-9)
    assert rates[0] == pytest.approx(base * (0.001 if phase == 1 else 1))
