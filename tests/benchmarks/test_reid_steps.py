from __future__ import annotations

import pytest

from mmps.benchmarks import reid_steps
from mmps.benchmarks.reid_steps import build, extrapolate, measure_step, optimizer, steps_table


@pytest.fixture
def config(configs):
    return str(configs['J3'])


@pytest.mark.parametrize('case', ['cache', 'joint-frozen1'])
def test_steps_are_timed(config, monkeypatch, case):
    monkeypatch.setattr(reid_steps, 'SIZE', 256)
    found = measure_step(case, images=2, repeats=1, config=config, threads=1)
    assert found['seconds'] > 0
    assert found['bytes'] > 2**25
    assert ('wait' in found) == (case == 'cache')


def test_cases_differ_in_what_learns(config):
    learn = {
        case: sum(len(group['params']) for group in optimizer(build(case, config)).param_groups)
        for case in ('joint', 'joint-frozen1', 'frozen-trunk', 'cache')
    }
    assert learn['joint'] > learn['joint-frozen1'] > learn['frozen-trunk'] == learn['cache']


def test_a_line_is_read_at_another_number_of_images():
    assert extrapolate((2, 4, 8), [7.0, 13.0, 25.0], 95) == pytest.approx(3 * 95 + 1)


def test_the_table_compares_equal_numbers_of_boxes_alone():
    cache = {'seconds': 2.0, 'bytes': 1e9, 'wait': 0.01}
    joint = {'joint': [{'seconds': 2.0 + 2 * k, 'bytes': (1 + k) * 1e9} for k in (2, 4, 8)]}
    lines = steps_table(cache, joint).splitlines()
    (row,) = [line for line in lines if 'extrapolated' in line]
    assert row.split('|')[-3:-1] == [f' {(2 + 2 * 95) / 2:.1f} ', ' 96.0 ']
    assert sum(line.split('|')[-2].strip() == '' for line in lines if '|' in line) == 3
    assert lines[-1] == 'Waiting for data: 1.00% of the wall time of a cached step.'
