from __future__ import annotations

import pytest

from mmps.benchmarks.measuring import Cell
from mmps.benchmarks.report import marginal_rows, markdown, overhead_table, total_rows
from mmps.benchmarks.timing import Quartiles
from mmps.paper import TABLE_1B

FLOPS = {'J3': (100.0, 1.0), 'Disj.': (100.0, 7.0)}


def cells(batch=8):
    """A detector of 100 ms an image; 2 and 12 ms a person."""
    return [
        Cell(name, batch, people, Quartiles(s, s, s))
        for name, each in (('J3', 2), ('Disj.', 12))
        for people in (5, 20)
        for s in [batch * (100 + each * people) / 1e3]
    ]


def test_ratios_to_the_baseline_stand_beside_the_papers():
    rows = {(r['variant'], r['people']): r for r in total_rows(cells(), FLOPS)}
    row = rows['J3', 20]
    assert row['ms_per_person']['median'] == pytest.approx(7.0)
    assert row['ratio'] == pytest.approx(340 / 140)
    assert row['flops_ratio'] == pytest.approx(240 / 120)
    assert row['paper_ratio'] == pytest.approx(6.4 / 2.2)
    assert rows['Disj.', 5]['ratio'] == 1.0


def test_marginal_times_and_the_papers():
    rows = {r['variant']: r for r in marginal_rows(cells(), FLOPS)}
    assert rows['J3']['ms'] == pytest.approx(2.0)
    assert rows['J3']['ratio'] == pytest.approx(6.0)
    assert rows['J3']['flops_ratio'] == pytest.approx(7.0)
    ratios = {r['variant']: r['paper_ratio'] for r in marginal_rows(papers_cells(), {})}
    assert ratios['J2'] == pytest.approx(4.9, abs=0.05)
    assert ratios['J3'] == pytest.approx(7.9, abs=0.05)
    assert ratios['J4'] == pytest.approx(11.5, abs=0.05)


def test_a_slope_that_is_lost_in_the_noise_has_no_ratio():
    times = {('J3', 5): 2.0, ('J3', 20): 1.9, ('Disj.', 5): 2.0, ('Disj.', 20): 4.0}
    noisy = [Cell(name, 1, k, Quartiles(s, s, s)) for (name, k), s in times.items()]
    rows = {r['variant']: r for r in marginal_rows(noisy, FLOPS)}
    assert rows['J3']['ms'] == pytest.approx(-100 / 15)
    assert rows['J3']['ratio'] is None
    assert rows['Disj.']['ratio'] == 1.0


def papers_cells():
    return [
        Cell(name, 8, people, Quartiles(s, s, s))
        for name, batches in TABLE_1B.items()
        for people, ms in batches[8].items()
        for s in [ms * 8 * people / 1e3]
    ]


def test_without_baseline_there_are_no_ratios():
    rows = total_rows(cells(batch=3)[:2], {'J3': FLOPS['J3']})
    assert {(r['ratio'], r['flops_ratio'], r['paper_ratio']) for r in rows} == {(None,) * 3}
    (row,) = marginal_rows(cells(batch=3)[:2], {})
    assert (row['ratio'], row['flops_ratio'], row['paper_ratio']) == (None,) * 3


def test_one_number_of_people_has_no_slope():
    assert marginal_rows(cells()[:1], FLOPS) == []


def test_markdown_names_how_it_was_measured():
    settings = {
        'command': 'run it',
        'date': '2020-01-01',
        'machine': 'abacus',
        'versions': 'v',
        'options': 'Plain.',
    }
    result = {
        'settings': settings,
        'cells': total_rows(cells(), FLOPS),
        'marginal': marginal_rows(cells(), FLOPS),
        'overhead': {},
        'training': {},
        'peak_memory_mib': 12.3,
    }
    text = markdown(result)
    assert '`run it`, 2020-01-01, abacus; v. Peak memory 12 MiB.\n\nPlain.\n\n| variant' in text
    assert '| J3 | 8 | 20 | 7.0 (7.0-7.0) | 2.43 | 2.00 | 2.91 |' in text
    assert '| J3 | 8 | 2.0 | 6.00 | 7.00 | 7.94 |' in text


def test_overhead_in_percent():
    found = {
        'overhead': -0.012,
        'branch_ms_per_person': 3.25,
        'shares': {'trunk': 0.75, 'NMS': 0.25},
    }
    text = overhead_table({'J3': found})
    assert text.splitlines()[0].endswith('| re-ID, ms per person | trunk | NMS |')
    assert '| J3 | -1.2 % | 3.2 | 75.0 % | 25.0 % |' in text
