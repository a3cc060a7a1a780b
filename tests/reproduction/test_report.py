from __future__ import annotations

import csv
import io

import pytest

from mmps.apis.experiments import Experiment, Step
from mmps.reproduction.plan import baseline_name
from mmps.reproduction.plan import test_name as name_of
from mmps.reproduction.report import csv_text, markdown
from mmps.reproduction.results import gather
from mmps.reproduction.tables import table
from mmps.reproduction.writing import write_report


class Ground:
    """Data that nothing is run on."""

    name, galleries = 'synthetic data', {'small': 'g100', 'large': 'full'}
    identity = {'galleries': galleries}


class Finished:
    """A plan whose steps return given numbers."""

    def __init__(self, wanted, seeds, number):
        self.table, self.data, self.seeds, self.number = wanted, Ground(), seeds, number

    def steps(self):
        for seed in self.seeds:
            for system, on in self.table.tests:
                yield Step(name_of(system, on, seed), '', lambda a=(system, on, seed): self.all(*a))
            result = {'colour': {'g100/mAP': 0.2}, 'chance': {'g100/mAP': 0.01}}
            yield Step(baseline_name('c', seed), '', lambda r=result: r)

    def all(self, system, on, seed):
        keys = [k.split('/')[1:] for c in self.table.columns for k in c.keys if k[0] == on]
        names = ['/'.join(Ground.galleries.get(p, p) for p in parts) for parts in keys]
        return dict.fromkeys(names, self.number(system, seed))


@pytest.fixture
def results(tmp_path):
    def make(name='table1d', seeds=(0, 1, 2), number=None):
        gains = {'c': 0.0, 'mwcp': 0.06, 'c+': 0.03, 'p': 0.0, 'mwp': 0.06, 'p+': 0.03}
        own = {'J2': 0.5, 'J3': 0.55, 'J4': 0.3, 'Disj.': 0.45}
        number = number or (lambda s, seed: own[s.variant] + gains[s.detection] + 0.002 * seed)
        plan = Finished(table(name), seeds, number)
        experiment = Experiment(tmp_path / name / 'steps', plan.steps())
        experiment.run()
        return gather(plan, experiment, 'tools/reproduce.py table1d')

    return make


def test_ours_stand_beside_the_papers(results):
    text = markdown(results())
    lines = {line.split('|')[1].strip(): line for line in text.splitlines() if line[:2] == '| '}
    assert '56.2 ± 0.5 / 56.2 ± 0.5 | 76.4 / 49.2' in lines['J2']
    assert '50.2 ± 0.5 / 50.2 ± 0.5 | 71.4 / 43.6' in lines['J2_c']
    assert '- |' in lines['J2_c+ (control)']
    assert '20.0 ± 0.0 / -' in lines['colour stripes (no network)']
    assert '**Shows**: More detection data without identities lifts re-ID' in text
    assert 'm+w+c+p over c: +6.0 (+6.0 to +6.0, 3 seeds; paper +7.6)' in text
    assert 'control: as many more images like c: +3.0' in text
    assert 'synthetic data' in text
    assert 'commit ' in text


def test_one_seed_has_no_interval(results):
    text = markdown(results(seeds=[0]))
    assert '56.0 / 56.0 | 76.4 / 49.2' in text
    assert '**Not decided**' in text
    assert 'one seed, so no interval' in text
    assert '±' not in text


def test_the_table_holds_every_number_once(results):
    found = results()
    rows = list(csv.DictReader(io.StringIO(csv_text(found))))
    assert len({(r['row'], r['key'], r['seed']) for r in rows}) == len(rows)
    (one,) = [r for r in rows if (r['row'], r['key'], r['seed']) == ('J4', 'c/small/mAP', '2')]
    assert float(one['value']) == pytest.approx(0.364)
    assert float(one['paper_percent']) == 76.7
    assert len(rows) >= 3 * 9 * 9


@pytest.mark.parametrize('name', ['table1a', 'table1c', 'table1d'])
def test_all_files_are_written(results, tmp_path, name):
    files = write_report(results(name), tmp_path)
    assert all(path.stat().st_size > 200 for path in files.values())
    assert files['table.png'].stat().st_size > 20_000


def test_what_is_missing_is_said(results, tmp_path):
    found = results()
    found['missing'] = ['test_j2_c_c_2']
    assert 'Not complete: 1 steps' in markdown(found)
