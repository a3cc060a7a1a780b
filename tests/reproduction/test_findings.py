from __future__ import annotations

import pytest

from mmps import paper
from mmps.reproduction.findings import Contrast, findings, judge
from mmps.reproduction.statistics import DOES_NOT, SHOWS, UNDECIDED
from mmps.reproduction.tables import TABLES, table


def number(rows):
    return lambda row, key: rows.get(row, {}).get(key)


@pytest.mark.parametrize('name', TABLES)
def test_findings_speak_of_numbers_that_the_table_holds(name):
    wanted = table(name)
    rows = {row.name: row for row in wanted.rows}
    keys = {key for column in wanted.columns for key in column.keys}
    for finding in findings(name):
        for contrast in (*finding.contrasts, *finding.controls):
            for _, row, key in contrast.terms:
                assert key in keys
                assert key[0] in rows[row].systems


@pytest.mark.parametrize('name', TABLES)
def test_weights_of_a_difference_cancel(name):
    for finding in findings(name):
        for contrast in (*finding.contrasts, *finding.controls):
            assert sum(weight for weight, _, _ in contrast.terms) == pytest.approx(0)


def test_the_papers_own_effects():
    """As its text says: J2, J3 and J4 rise by 5, 4 and 14 points; J4 by 20 in large galleries."""
    told = number(table('table1d').paper)
    same, gt, longer, harder = (finding.contrasts[0] for finding in findings('table1d'))
    assert same.value(told) == pytest.approx((5.0 + 3.9 + 13.8) / 3)
    assert gt.value(told) == pytest.approx((3.3 + 3.2 + 13.1) / 3)
    assert longer.value(told) == pytest.approx(13.8 - 5.0)
    assert harder.value(told) == pytest.approx(20.0 - 13.8)
    across = findings('table1c')[0].contrasts[0].value(number(paper.TABLE_1C))
    assert across == pytest.approx((22.9 + 24.8 + 29.7) / 3)
    order = [c.value(number(paper.TABLE_1A)) for c in findings('table1a')[0].contrasts]
    assert order == pytest.approx([3.0, 2.7, 2.7, 10.2])


def rows_of(gain, control):
    """A table 1d in which aggregation gains this, and more of the same data that."""
    keys = [k for c in table('table1d').columns for k in c.keys]
    base = dict.fromkeys(keys, 0.3)
    rows = {}
    for variant in ('J2', 'J3', 'J4'):
        rows[f'{variant}_c'] = base
        rows[variant] = {k: v + gain for k, v in base.items()}
        rows[f'{variant}_c+'] = {k: v + control for k, v in base.items()}
    return number(rows)


def test_a_gain_shows_with_its_control_beside_it():
    numbers = {seed: rows_of(0.05 + 0.001 * seed, 0.04) for seed in range(3)}
    found = judge(findings('table1d')[0], numbers, number(paper.TABLE_1D))
    assert found['verdict'] == SHOWS
    (effect,) = found['effects']
    assert effect['mean'] == pytest.approx(5.1)
    assert effect['seeds'] == [0, 1, 2]
    assert effect['paper'] == pytest.approx(7.57)
    same, beyond = found['controls']
    assert same['mean'] == pytest.approx(4.0)
    assert beyond['mean'] == pytest.approx(1.1)
    assert beyond['low'] < 1.1 < beyond['high']


def test_no_gain_does_not_show_and_one_seed_decides_nothing():
    told = number(paper.TABLE_1D)
    numbers = {seed: rows_of(-0.02 - 0.001 * seed, 0.0) for seed in range(3)}
    assert judge(findings('table1d')[0], numbers, told)['verdict'] == DOES_NOT
    assert judge(findings('table1d')[0], {0: rows_of(0.2, 0)}, told)['verdict'] == UNDECIDED


def test_all_effects_of_a_finding_must_show():
    key = 'c/small/mAP'
    rows = {'J2': {key: 0.5}, 'J3': {key: 0.6}, 'J4': {key: 0.4}}
    rows = {name: {**v, 'p/bpi5/mAP': {'J2': 0.3, 'J3': 0.32, 'J4': 0.1}[name]}
            for name, v in rows.items()}  # fmt: skip
    jitter = {s: {n: {k: v + s * 1e-4 * len(n) for k, v in r.items()} for n, r in rows.items()}
              for s in range(3)}  # fmt: skip
    found = judge(findings('table1a')[0], {s: number(r) for s, r in jitter.items()}, number({}))
    assert found['verdict'] == DOES_NOT  # J2 is not above J3 on PRW
    assert [effect['mean'] for effect in found['effects']] == pytest.approx([10, 20, -2, 22])


def test_what_is_missing_is_left_out():
    contrast = Contrast('a over b', ((1.0, 'a', 'k'), (-1.0, 'b', 'k')))
    assert contrast.value(number({'a': {'k': 1.0}})) is None
    found = judge(findings('table1d')[0], {0: number({})}, number({}))
    assert found['effects'] == found['controls'] == []
    assert found['verdict'] == UNDECIDED
