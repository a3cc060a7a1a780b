from __future__ import annotations

import subprocess

import pytest

from mmps.benchmarks.own_process import in_own_process, peak_bytes


def test_arguments_and_results_pass_between_processes(capfd):
    assert in_own_process('builtins:dict', a=[1, 2.5], b=None) == {'a': [1, 2.5], 'b': None}
    with pytest.raises(subprocess.CalledProcessError):
        in_own_process('builtins:no_such_function')
    assert 'no_such_function' in capfd.readouterr().err


def test_the_peak_of_a_process_is_in_bytes():
    assert 2**25 < peak_bytes() < 2**40
