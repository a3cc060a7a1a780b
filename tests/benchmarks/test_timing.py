from __future__ import annotations

import pytest

from mmps.benchmarks.timing import PartTimes, Quartiles, interleaved, quartiles


class Clock:
    """Moves on by the seconds that a job says it takes."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def __call__(self):
        return self.now

    def job(self, name, seconds):
        def run():
            self.calls.append(name)
            self.now += seconds

        return run


def test_jobs_take_turns_and_the_first_rounds_do_not_count():
    clock, rounds = Clock(), []
    jobs = {'a': clock.job('a', 1.0), 'b': clock.job('b', 3.0)}
    seconds = interleaved(jobs, 3, 2, lambda: rounds.append(1), clock)
    assert clock.calls == ['a', 'b'] * 5
    assert len(rounds) == 5
    assert seconds == {'a': [1.0] * 3, 'b': [3.0] * 3}


def test_quartiles():
    assert quartiles([4.0, 1.0, 2.0, 3.0, 5.0]) == Quartiles(3.0, 2.0, 4.0)
    assert Quartiles(3.0, 2.0, 4.0).scaled(10) == Quartiles(30.0, 20.0, 40.0)


def test_parts_add_up():
    clock = Clock()
    parts = PartTimes(clock)
    for name, seconds in (('a', 1.0), ('b', 2.0), ('a', 5.0)):
        with parts(name):
            clock.now += seconds
    assert parts.seconds == {'a': 6.0, 'b': 2.0}
    assert parts.shares() == {'a': 0.75, 'b': pytest.approx(0.25)}
