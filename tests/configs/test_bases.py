"""The parts of configs: what their names say is what they hold."""

import re

from .leaves import BASES, SETS, bases, is_called, load, offenders, roots

MODEL = re.compile(
    r'((?P<wrapper>joint|disjoint)_)?'
    r'(?P<detector>[a-z][a-z0-9-]*)(_(?P<backbone>r\d+|swin-t)_(fpn|c4))?(?P<toy>_toy)?'
)
WRAPPERS = {'joint': 'mmps.SharedBackboneDetector', 'disjoint': 'mmps.DisjointDetector'}


def of(folder):
    return [path for path in BASES if path.parent.name == folder]


def values(node, key):
    """All that a key has as value anywhere in a config."""
    if isinstance(node, dict):
        return [v for k, v in node.items() if k == key] + values(list(node.values()), key)
    return [v for part in node for v in values(part, key)] if isinstance(node, list) else []


def model_is_what_it_is_called(path):
    name, config = MODEL.fullmatch(path.stem), load(path)
    model = config.model
    if name['wrapper']:
        assert model.type == WRAPPERS[name['wrapper']]
        # mmdet's init_detector asks for the key; Disj. of a finished re-ID network has none.
        assert 'backbone' in model or name['wrapper'] == 'disjoint'
        (bare,) = bases(path)
        assert path.stem == f'{name["wrapper"]}_{bare.stem}'
        assert model.detector == load(bare).model
        assert config.get('load_from') == load(bare).get('load_from')
    else:
        assert bases(path) == []
        assert is_called(model, name['detector'])
        assert set(values(model, 'num_classes')) == {1}
        if name['backbone'] == 'swin-t':
            assert model.backbone.depths == [2, 2, 6, 2]
            assert model.backbone.init_cfg.type == 'Pretrained'
        elif name['backbone']:
            assert model.backbone.depth == int(name['backbone'][1:])
            assert model.backbone.frozen_stages == -1
            assert bool(name['toy']) != ('coco' in config.get('load_from', ''))


def test_models_are_what_they_are_called():
    assert offenders(of('models'), model_is_what_it_is_called) == {}


def data_are_what_they_are_called(path):
    config = load(path)
    kind, _, rest = path.stem.partition('_')
    if kind == 'detection':
        assert roots(config.train_dataloader.dataset) == [SETS[letter] for letter in rest]
        assert 'cached_people' not in config
    elif kind == 'search':
        learned, _, tested = rest.removesuffix('_originals').partition('_tested_on_')
        for loader, root in (
            (config.cached_people, learned),
            (config.val_dataloader, learned),
            (config.test_dataloader, tested or learned),
        ):
            assert roots(loader.dataset) == [root]
        assert 'train_dataloader' not in config
    elif kind == 'joint':
        loaders = ('train_dataloader', 'cached_people', 'val_dataloader', 'test_dataloader')
        assert {root for n in loaders for root in roots(config[n].dataset)} == {'cuhk_sysu'}
        resizes = {
            str(s) for n in loaders for s in config[n].dataset.pipeline if s.type == 'Resize'
        }
        assert len(resizes) == 1
    else:
        assert kind == 'synthetic'
        assert roots(config.train_dataloader.dataset) == ['synthetic']


def test_data_sets_are_what_they_are_called():
    assert offenders(of('datasets'), data_are_what_they_are_called) == {}


def both_phases_begin_with_the_schedule_of_phase_1(path):
    of_what = path.stem.rpartition('_')[2]
    if path.stem.startswith('joint_'):  # one phase, in which everything is learned
        assert 'two_phase' not in load(path).default_hooks
        return
    if of_what == 'adamw':
        assert load(path).optim_wrapper.optimizer.type == 'AdamW'
        return
    both, first = (load(path.with_stem(f'{k}_{of_what}')) for k in ('two_phase', 'detection'))
    assert set(both.default_hooks) - set(first.default_hooks) == {'two_phase'}
    assert all(both.default_hooks[k] == hook for k, hook in first.default_hooks.items())
    assert both.optim_wrapper == first.optim_wrapper
    assert both.param_scheduler == first.param_scheduler
    phases = both.default_hooks.two_phase
    assert phases.detection_epochs == first.train_cfg.max_epochs
    epochs = phases.detection_epochs + sum(stage.epochs for stage in phases.stages)
    assert both.train_cfg.max_epochs == epochs


def test_schedules_of_both_phases_begin_with_that_of_phase_1():
    assert {p.stem.rpartition('_')[0] for p in of('schedules')} == {
        'detection', 'two_phase', 'joint',
    }  # fmt: skip
    assert offenders(of('schedules'), both_phases_begin_with_the_schedule_of_phase_1) == {}
