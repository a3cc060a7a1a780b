from __future__ import annotations

import json

import pytest

from mmps.files import write_json
from mmps.reproduction.collecting import collect, keep_settings
from mmps.structures import ConfigError

SETTINGS = {'data': 'synthetic', 'size': 1.0}


@pytest.fixture
def folder(tmp_path):
    def make(name, results, settings=SETTINGS):
        keep_settings(tmp_path / name, settings)
        for step, result in results.items():
            record = {'result': result, 'seconds': 1.0}
            write_json(tmp_path / name / 'steps' / f'{step}.json', record)
        return tmp_path / name

    return make


def test_results_of_several_folders_are_joined(folder, tmp_path):
    one = folder('one', {'detector_c_0': '/a/epoch_12.pth', 'test_j2': {'mAP': 0.5}})
    two = folder('two', {'detector_c_0': '/b/epoch_12.pth', 'test_j3': {'mAP': 0.4}})
    assert collect([one, two], tmp_path / 'all') == 3
    found = {p.stem: json.loads(p.read_text()) for p in (tmp_path / 'all' / 'steps').iterdir()}
    assert found.keys() == {'detector_c_0', 'test_j2', 'test_j3'}
    assert found['test_j3']['result'] == {'mAP': 0.4}
    assert collect([one, two], tmp_path / 'all') == 0
    assert collect([one], two) == 1


def test_folders_that_do_not_fit_are_refused(folder, tmp_path):
    one = folder('one', {'test_j2': {'mAP': 0.5}})
    with pytest.raises(ConfigError, match='holds no results'):
        collect([tmp_path / 'nothing'], one)
    other = folder('other', {}, {**SETTINGS, 'size': 2.0})
    with pytest.raises(ConfigError, match=r'other settings \(size\)'):
        collect([one, other], tmp_path / 'all')
    differs = folder('differs', {'test_j2': {'mAP': 0.6}})
    with pytest.raises(ConfigError, match='different results'):
        collect([one, differs], tmp_path / 'both')


def test_a_folder_keeps_its_settings(folder):
    one = folder('one', {})
    keep_settings(one, SETTINGS)
    with pytest.raises(ConfigError, match='other settings'):
        keep_settings(one, {**SETTINGS, 'galleries': {}})
    (one / 'settings.json').write_text('[')
    with pytest.raises(ConfigError, match='broken'):
        keep_settings(one, SETTINGS)
