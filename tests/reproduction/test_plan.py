from __future__ import annotations

from pathlib import Path

import pytest

from mmps.apis.experiments import Experiment
from mmps.reproduction.costs import Costs, StepTimes
from mmps.reproduction.data import FOLDERS, algorithm
from mmps.reproduction.drawn import DrawnData
from mmps.reproduction.plan import Plan
from mmps.reproduction.real import RealData
from mmps.reproduction.sizing import seconds_of, size_for
from mmps.reproduction.tables import TABLES, System, parts, spelled, table
from mmps.structures import ConfigError

CONFIGS = Path(__file__).parents[2] / 'configs'
VARIANTS = ('J2', 'J3', 'J4', 'Disj.')
TIMES = StepTimes({}, 0.05, 0.01, dict.fromkeys(VARIANTS, 0.1), dict.fromkeys(VARIANTS, 0.001))


@pytest.fixture(params=['real', 'synthetic'])
def data(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind = RealData if request.param == 'real' else DrawnData
    return kind(tmp_path / 'work', CONFIGS)


@pytest.mark.parametrize('name', TABLES)
def test_every_row_has_a_config_of_its_variant(name, data):
    for step in Plan(table(name, data.has_more), data, [0]).steps():
        if 'config' in step.about:
            assert Path(step.about['config']).is_file()
    for system, on in table(name, data.has_more).tests:
        for run in (data.reid(system, 0), data.test(system, on, 0)):
            assert run.config.stem.startswith(algorithm(system.variant))


def letters(dataset):
    """The data sets of a config's part."""
    names = {name: letter for letter, name in FOLDERS.items()}
    parts = [Path(part.data_root).name for part in dataset.get('datasets', [dataset])]
    return [names.get(part, part) for part in parts]


@pytest.mark.parametrize('name', TABLES)
def test_a_system_learns_from_and_is_tested_on_what_its_row_says(name, data):
    for system, on in table(name, data.has_more).tests:
        if system.variant not in ('J3', 'Disj.'):
            continue  # other variants differ by their config alone
        detector = data.detector(system.detection, 1)
        dataset = detector.load().train_dataloader.dataset
        assert letters(dataset) == [spelled(part) for part in parts(system.detection)]
        assert not any(part.use_identities for part in dataset.get('datasets', [dataset]))
        trained, tested = data.reid(system, 1).load(), data.test(system, on, 1).load()
        assert trained.randomness.seed == 1
        assert trained.load_from == str(detector.checkpoint)
        assert trained.default_hooks.two_phase.start == 'reid'
        assert trained.model == tested.model
        assert trained.model.get('shared_stages') == {'J3': 3}.get(system.variant)
        assert letters(trained.cached_people.dataset) == [system.reid]
        assert letters(tested.test_dataloader.dataset) == [on]
        protocol = tested.test_evaluator.protocol.type
        assert protocol == {'c': 'mmps.CUHKSYSUProtocol', 'p': 'mmps.PRWOfficialProtocol'}[on]


def test_what_can_be_shared_is_done_once(data):
    steps = Plan(table('table1d', data.has_more), data, [0, 1]).steps()
    names = [step.name for step in steps]
    assert len(set(names)) == len(names)
    detectors = [name for name in names if name.startswith('detector')]
    per_seed = 3 if data.has_more else 2
    assert len(detectors) == 2 * per_seed
    assert names.index('baselines_c_0') < names.index('detector_mwcp_1')
    caches = {step.about['options'].get('default_hooks.two_phase.cache_dir')
              for step in steps if step.name.startswith('reid')}  # fmt: skip
    assert len(caches) == 2  # one for each seed
    Experiment('unused', steps)  # what a step needs comes before it


def test_tables_share_steps(data):
    both = [
        {step.name for step in Plan(table(name, data.has_more), data, [0]).steps()}
        for name in ('table1a', 'table1d')
    ]
    assert {'detector_mwcp_0', 'reid_j3_mwcp_c_0', 'test_j3_mwcp_c_c_0'} <= both[0] & both[1]


def test_the_control_adds_as_many_images_as_the_other_sets(tmp_path):
    for size in (0.6, 1.0, 2.0):
        data = DrawnData(tmp_path, CONFIGS, size)
        for control, others in (('c+', 'mwp'), ('p+', 'mw')):
            wanted = sum(data.amounts(letter).images for letter in others)
            assert data.amounts(control).images == pytest.approx(wanted, abs=1)


def test_estimates_grow_with_data_and_epochs(tmp_path):
    costs = Costs(DrawnData(tmp_path, CONFIGS), TIMES)
    images = {letter: costs.data.amounts(letter).images for letter in 'mwcp'}
    cost = costs.detector('mwcp')
    assert cost.seconds == pytest.approx(12 * sum(images.values()) * 0.05, abs=10)
    assert f'12 epochs x {sum(images.values()):,} images' in cost.words
    twice = Costs(DrawnData(tmp_path, CONFIGS, 2.0), TIMES)
    assert twice.detector('c').seconds == pytest.approx(2 * costs.detector('c').seconds, rel=0.1)
    real = Costs(RealData(tmp_path, CONFIGS, tmp_path / 'nowhere'), TIMES)
    assert real.detector('mwcp').seconds == pytest.approx(90 * 33726 * 0.05, rel=0.01)
    assert '700 epochs x 173 steps' in real.reid(System('J3', 'mwcp', 'c')).words


def test_the_size_of_data_follows_the_budget(tmp_path):
    data, wanted = DrawnData(tmp_path, CONFIGS), table('table1d')
    sizes = [size_for(60 * minutes, wanted, data, TIMES) for minutes in (45, 90, 180)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    for minutes, size in zip((45, 90, 180), sizes, strict=True):
        assert seconds_of(wanted, DrawnData(tmp_path, CONFIGS, size), TIMES) < 60 * minutes
    with pytest.raises(ConfigError, match=r'takes about \d+ minutes'):
        size_for(60, wanted, data, TIMES)


def test_missing_sets_are_refused_with_a_sentence_each(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data' / 'prw').mkdir(parents=True)
    data = RealData(tmp_path / 'work', CONFIGS, rehearsal=True)
    with pytest.raises(ConfigError) as error:
        Plan(table('table1d', False), data, [0]).check()
    sentences = str(error.value).split('. ')
    assert len(sentences) == 4
    assert 'PRW is not converted' in str(error.value)
    assert 'CUHK-SYSU is missing' in str(error.value)
    assert 'python tools/dataset_converters/mot17_det.py data/mot17_det' in str(error.value)
    with pytest.raises(ConfigError) as error:
        Plan(table('table1c', False), data, [0]).check()
    assert len(str(error.value).split('. ')) == 4


def test_weights_that_are_missing_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = RealData(tmp_path / 'work', CONFIGS, coco=tmp_path / 'none.pth')
    with pytest.raises(ConfigError, match=r'COCO weights .* do not exist'):
        data.check([])
