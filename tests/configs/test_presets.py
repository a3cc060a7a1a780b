"""Presets of ``configs/plus``: each changes one thing, at full size and in a toy."""

from .leaves import CONFIGS, LEAVES, NAME, load, offenders

PRESETS = [p for p in LEAVES if p.parent.name == 'plus' and '_plain_' not in p.name]
STRONG = {
    'model.reid_branch', 'cached_people', 'custom_hooks', 'default_hooks.two_phase.stages',
    'train_dataloader', 'val_dataloader', 'test_dataloader', 'env_cfg',
}  # fmt: skip
BASE = {
    'r50': CONFIGS / 'joint' / 'joint-j3_retinanet_r50_fpn_c.py',
    'r18': CONFIGS / 'plus' / 'joint-j3_retinanet_r18_fpn_plain_synthetic.py',
}
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
    'strong': STRONG,
    'combined': {'model.reid_branch', 'cached_people.mirror', 'custom_hooks'},
}


def differences(a, b, path=''):
    """Dotted keys at which two configs differ."""
    if isinstance(a, dict) and isinstance(b, dict) and a.get('type') == b.get('type'):
        return {
            key
            for k in {*a, *b}
            for key in differences(a.get(k), b.get(k), f'{path}.{k}' if path else k)
        }
    return set() if a == b else {path}


def changes_one_thing(path):
    name = NAME.fullmatch(path.stem)
    base, config = (load(p)._cfg_dict.to_dict() for p in (BASE[name['backbone']], path))
    changed = differences(config, base)
    allowed = tuple(ONE_THING[name['variant']])
    assert changed
    # A name with an underscore is a variable of the file.
    assert not [key for key in changed if not key.startswith(('_', *allowed))]


def test_a_preset_changes_one_thing():
    presets = [path for path in PRESETS if '_swin-t_' not in path.name]
    assert offenders(presets, changes_one_thing) == {}


def test_the_strong_preset_is_the_same_for_each_backbone():
    ours, theirs = (
        load(CONFIGS / 'plus' / f'joint-j3_retinanet_{name}_fpn_strong_c.py')._cfg_dict.to_dict()
        for name in ('r50', 'swin-t')
    )
    allowed = ('_', 'model.detector', 'optim_wrapper', 'load_from')
    assert not [key for key in differences(ours, theirs) if not key.startswith(allowed)]


def test_every_preset_exists_at_full_size_and_as_a_toy():
    names = {size: {NAME.fullmatch(p.stem)['variant'] for p in PRESETS if size in p.name}
             for size in ('r50', 'r18')}  # fmt: skip
    assert names['r50'] == names['r18'] == set(ONE_THING)
