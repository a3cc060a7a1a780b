from __future__ import annotations

import pytest
from mmengine.config import Config

from mmps.apis.evaluator_config import (
    check_test_set,
    keep_details_beside,
    metric_configs,
    write_predictions,
)
from mmps.checkpoints.notes import ann_files
from mmps.structures import ConfigError

OURS = {'type': 'mmps.PersonSearchMetric', 'ann_file': 'test.json'}
PLAIN = {'type': 'CocoMetric'}


def settings(config, key):
    found = config.test_evaluator
    found = found.get('metrics', found) if isinstance(found, dict) else found
    found = found if isinstance(found, list) else [found]
    return [single.get(key) for single in found]


def details(evaluator, checkpoint):
    config = Config({'test_evaluator': evaluator})
    found = settings(config, 'details')
    tested = keep_details_beside(config, checkpoint)
    assert (tested is None) == (settings(config, 'details') == found)
    return settings(config, 'details')


def test_details_go_to_a_folder_of_the_checkpoint_and_the_config(tmp_path):
    checkpoint, folder = tmp_path / 'epoch_3.pth', tmp_path / 'epoch_3_tested'
    assert details(OURS, checkpoint) == [str(folder / 'config')]
    assert details([PLAIN, OURS, OURS], checkpoint) == [None, str(folder / 'config'), None]
    (tmp_path / 'other.py').write_text(f'test_evaluator = {OURS}')
    config = Config.fromfile(tmp_path / 'other.py')
    tested = keep_details_beside(config, checkpoint)
    assert config.test_evaluator.details == str(folder / 'other') == str(tested.folder)
    assert (tested.config, tested.ann_file) == ('other', 'test.json')


def test_a_test_is_of_the_data_sets_annotation_file_where_the_metric_names_none(tmp_path):
    dataset = {'data_root': 'data/x', 'ann_file': 'mmps/test.json'}
    content = {'test_evaluator': {'type': 'mmps.PersonSearchMetric'}}
    content['test_dataloader'] = {'dataset': dataset}
    tested = keep_details_beside(Config(content), tmp_path / 'a.pth')
    assert tested.ann_file == 'data/x/mmps/test.json'
    assert ann_files(Config(content).pretty_text) == {tested.ann_file}


def test_a_configured_place_is_kept(tmp_path):
    assert details({**OURS, 'details': 'here'}, tmp_path / 'a.pth') == ['here']
    assert details({**OURS, 'details': None}, tmp_path / 'a.pth') == [None]


@pytest.mark.parametrize('checkpoint', ['https://host/a.pth', '/nonexistent/folder/a.pth'])
def test_nothing_is_written_where_nothing_can_be(checkpoint):
    assert details(OURS, checkpoint) == [None]


def test_nothing_is_written_without_our_metric(tmp_path):
    assert details([PLAIN], tmp_path / 'a.pth') == [None]


@pytest.mark.parametrize(
    ('evaluator', 'outs'),
    [
        (OURS, ['p.npz']),
        ([PLAIN, OURS], [None, 'p.npz']),
        ([OURS, PLAIN, OURS], ['p.npz', None, None]),
        ({'type': 'Evaluator', 'metrics': [PLAIN, OURS]}, [None, 'p.npz']),
    ],
)
def test_predictions_are_written_by_our_metric_wherever_it_stands(evaluator, outs):
    config = Config({'test_evaluator': evaluator})
    write_predictions(config, 'p.npz')
    assert settings(config, 'out') == outs


def test_other_metrics_are_none_of_ours():
    names = ['PersonSearchMetric', 'mmps.evaluation.metrics.PersonSearchMetric', 'CocoMetric']
    config = Config({'test_evaluator': [{'type': name} for name in names] + [{}]})
    assert [metric.type for metric in metric_configs(config)] == names[:2]


@pytest.mark.parametrize('key', ['test_dataloader', 'test_evaluator', 'test_cfg'])
def test_a_config_without_a_test_is_told(tmp_path, key):
    content = {'test_dataloader': {}, 'test_evaluator': OURS, 'test_cfg': {}}
    check_test_set(Config(content))
    path = tmp_path / 'crops.py'
    path.write_text(''.join(f'{k} = {None if k == key else v}\n' for k, v in content.items()))
    with pytest.raises(ConfigError, match=rf'crops.py has nothing to test on: set {key}, as the'):
        check_test_set(Config.fromfile(path))
