from __future__ import annotations

import re
from pathlib import Path

import pytest
from mmengine.config import Config

from mmps.apis.config_keys import check_option_keys, check_top_level_keys, is_variable
from mmps.apis.configs import load_config
from mmps.structures import ConfigError

CONFIGS = Path(__file__).parents[2] / 'configs'

VARIABLES = """
conv_cfg = dict(type='ConvWS')  # conv_cfg of GN+WS
data_root, lr, batch = 'data/x/', 0.02, 4
train_pipeline = [dict(type='Load'), dict(type='Resize', scale=(64, 64))]
model = dict(type='A', backbone=dict(type='B', conv_cfg=conv_cfg), neck=dict(conv_cfg=conv_cfg))
train_dataloader = dict(
    batch_size=batch,
    num_workers=4,
    dataset=dict(type='D', data_root=data_root, pipeline=train_pipeline),
)
val_dataloader = dict(dataset=dict(datasets=[dict(data_root=data_root, pipeline=train_pipeline)]))
optim_wrapper = dict(optimizer=dict(lr=lr, weight_decay=0.02))
hook_settings = dict(tau=0.5)
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / 'variables.py'
    path.write_text(VARIABLES)
    return str(path)


def refused(path, **options):
    with pytest.raises(ConfigError) as told:
        load_config(path, None, {key.replace('__', '.'): 1 for key in options})
    return str(told.value)


def test_variables_of_a_config_may_be_called_anything(path, tmp_path):
    config = load_config(path, None, None)
    assert config.conv_cfg == {'type': 'ConvWS'}
    child = tmp_path / 'child.py'
    child.write_text(
        "_base_ = './variables.py'\nmodel = dict(head=dict(conv_cfg={{_base_.conv_cfg}}))\n"
    )
    assert load_config(str(child), None, None).model.head.conv_cfg == {'type': 'ConvWS'}


@pytest.mark.parametrize(
    ('line', 'key', 'meant'),
    [
        ('train_dataloder = dict(batch_size=2)', 'train_dataloder', 'train_dataloader'),
        ('env_cfgs = dict(cudnn_benchmark=False)', 'env_cfgs', 'env_cfg'),
        ('load_form = "a.pth"  # load_form', 'load_form', 'load_from'),
        ('optim_wraper = dict(optim_wraper=1)', 'optim_wraper', 'optim_wrapper'),
    ],
)
def test_misspelt_keys_of_a_config_are_refused(path, line, key, meant):
    Path(path).write_text(f'{VARIABLES}{line}\n')
    with pytest.raises(ConfigError, match=f"unknown key '{key}'; did you mean '{meant}'"):
        load_config(path, None, None)


def test_misspelt_keys_of_json_and_of_dictionaries_are_refused(tmp_path):
    (tmp_path / 'a.json').write_text('{"env_cfgs": {"env_cfgs": 1}}')
    with pytest.raises(ConfigError, match="did you mean 'env_cfg'"):
        load_config(str(tmp_path / 'a.json'), None, None)
    with pytest.raises(ConfigError, match="did you mean 'train_dataloader'"):
        check_top_level_keys(Config({'train_dataloder': {}}))


def test_misspelt_options_are_refused_and_new_ones_allowed(path):
    config = Config.fromfile(path)
    with pytest.raises(ConfigError, match=r"'optimiser'; did you mean 'optimizer'\?"):
        check_option_keys(config, {'optim_wrapper.optimiser.lr': 2})
    with pytest.raises(ConfigError, match=r"'optim_wraper'; did you mean 'optim_wrapper'\?"):
        check_option_keys(config, {'optim_wraper.optimizer.lr': 2})
    check_option_keys(config, {'optim_wrapper.clip_grad.max_norm': 2, 'load_from': 'x.pth',
                               'cached_people.batch_size': 2, 'hook_settings.tau': 1,
                               'my_flag': True})  # fmt: skip


def test_renamed_keys_are_refused_with_the_new_name(path):
    with pytest.raises(ConfigError, match=r'`reid_dataloader` was renamed: call it `cached_peo'):
        check_top_level_keys(Config({'reid_dataloader': {'mirror': True}}))
    assert refused(path, reid_dataloader__mirror=True).endswith('renamed: set cached_people.mirror')


def test_options_of_variables_name_what_is_to_be_set(path):
    told = refused(path, train_pipeline__1__scale=1)
    assert told.endswith(
        "'train_pipeline' serves the config file alone, which was read before, so that it would "
        'change nothing; set train_dataloader.dataset.pipeline.1.scale, '
        'val_dataloader.dataset.datasets.0.pipeline.1.scale'
    )
    assert refused(path, data_root=1).endswith(
        'set train_dataloader.dataset.data_root, val_dataloader.dataset.datasets.0.data_root'
    )
    assert refused(path, lr=1).endswith('set optim_wrapper.optimizer.lr')
    assert refused(path, conv_cfg__type=1).endswith(
        'set model.backbone.conv_cfg.type, model.neck.conv_cfg.type'
    )
    assert 'set train_dataloader.batch_size' in refused(path, batch=1)


@pytest.mark.parametrize('key', ['_training_pipeline', 'train_pipeline', 'test_pipeline'])
def test_pipelines_of_our_configs_are_named_by_where_they_are_read(key):
    config = str(CONFIGS / 'joint' / 'joint-j3_retinanet_r50_fpn_c.py')
    told = refused(config, **{f'{key}__2__scale': 1})
    assert 'did you mean' not in told
    assert 'would change nothing; set train_dataloader.dataset.pipeline.2.scale' in told
    assert ('test_dataloader.dataset.pipeline.2.scale' in told) == (key != '_training_pipeline')


def test_keys_of_the_readme_set_the_input_size_everywhere():
    readme = (CONFIGS / 'README.md').read_text(encoding='utf-8')
    keys = re.findall(r'(\w+\.dataset\.[\w.]+\.scale)="', readme)
    loaders = {key.split('.')[0] for key in keys}
    assert loaders == {'train_dataloader', 'cached_people', 'val_dataloader', 'test_dataloader'}
    path = str(CONFIGS / 'joint' / 'joint-j3_retinanet_r50_fpn_c.py')
    config = load_config(path, None, dict.fromkeys(keys, (800, 480)))
    for loader in loaders:
        transforms = config[loader].dataset.pipeline
        assert [t.scale for t in transforms if 'scale' in t] == [(800, 480)], loader


def test_the_named_key_changes_the_pipeline():
    config = load_config(
        str(CONFIGS / 'joint' / 'joint-j3_retinanet_r50_fpn_c.py'), None,
        {'train_dataloader.dataset.pipeline.2.scale': (320, 320)},
    )  # fmt: skip
    assert config.train_dataloader.dataset.pipeline[2].scale == (320, 320)
    assert is_variable(config, '_training_pipeline')
    assert not is_variable(config, 'default_scope')


def test_settings_of_loading_processes_are_left_out_where_there_are_none(tmp_path):
    path = tmp_path / 'config.py'
    loader = 'dict(batch_size=2, num_workers=4, persistent_workers=True, prefetch_factor=4)'
    path.write_text(f'train_dataloader = {loader}\nval_dataloader = {loader}\n')
    config = load_config(str(path), None, {'train_dataloader.num_workers': 0})
    assert config.train_dataloader == {'batch_size': 2, 'num_workers': 0}
    assert config.val_dataloader.persistent_workers
