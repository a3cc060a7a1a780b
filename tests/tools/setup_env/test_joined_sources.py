"""MMCV's C++ files joined into a few; here with files that clash as MMCV's do."""

from __future__ import annotations

import shutil
import subprocess

import pytest

SETUP = """
op_files = glob.glob('./mmcv/ops/csrc/pytorch/*.cpp') + \\
    glob.glob('./mmcv/ops/csrc/pytorch/cpu/*.cpp')
"""
CPP = '#include <torch/extension.h>\n'
# Both define `add`; the macro of one and the namespace of another must not reach the rest.
FILES = {
    'pybind.cpp': CPP,
    'cpu/roi_align.cpp': 'static int add(int a) { return a + 1; }\nint first() { return add(1); }',
    'cpu/bezier_align.cpp': 'static int add(int) { return 3; }\nint second() { return add(1); }',
    'cpu/psamask.cpp': '#define min(a, b) 7\nint third() { return min(1, 2); }\n',
    'cpu/voxels.cpp': 'static int min(int, int) { return 3; }\nint fourth() { return min(3, 4); }',
    'contour.cpp': '#include <cmath>\nusing namespace std;\nint fifth() { return 5; }\n',
}
CHECK = """#include <cstdio>
int first(); int second(); int third(); int fourth(); int fifth();
int main() { std::printf("%d %d %d %d %d", first(), second(), third(), fourth(), fifth()); }
"""


@pytest.fixture
def source(tmp_path):
    (tmp_path / 'setup.py').write_text(SETUP)
    for name, text in FILES.items():
        path = tmp_path / 'mmcv/ops/csrc/pytorch' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(('jobs', 'files'), [(1, 1), (2, 1), (3, 2), (64, 3)])
def test_all_files_but_the_bindings_are_joined(tool, source, jobs, files):
    assert tool.joined_sources.join_sources(source, jobs)
    joint = sorted(path.name for path in (source / 'joint').glob('*.cpp'))
    assert joint == [*(f'joint_{number}.cpp' for number in range(files)), 'pybind.cpp']
    text = ''.join(path.read_text() for path in (source / 'joint').glob('joint_*.cpp'))
    assert text.count('#include') == len(FILES) - 1
    assert 'torch/extension.h' not in (source / 'joint' / 'pybind.cpp').read_text()
    setup = (source / 'setup.py').read_text()
    assert './joint/*.cpp' in setup
    assert './mmcv/' not in setup


@pytest.mark.skipif(not shutil.which('c++'), reason='no C++ compiler')
def test_what_is_joined_computes_what_it_did(tool, source):
    tool.joined_sources.join_sources(source, 2)
    joint = source / 'joint'
    (joint / 'main.cpp').write_text(CHECK)
    command = ['c++', 'joint_0.cpp', 'main.cpp', '-o', 'program']
    subprocess.run(command, cwd=joint, check=True)
    done = subprocess.run([joint / 'program'], capture_output=True, text=True, check=True)
    assert done.stdout == '2 3 7 3 5'


def test_files_that_open_a_namespace_come_last(tool, source):
    tool.joined_sources.join_sources(source, 2)
    lines = (source / 'joint' / 'joint_0.cpp').read_text().splitlines()
    included = [line for line in lines if line.startswith('#include')]
    assert included[-1] == '#include "parts/pytorch_contour.cpp"'


@pytest.mark.parametrize('change', ['no bindings', 'another setup'])
def test_a_source_that_looks_different_stays_as_it_is(tool, source, change):
    if change == 'no bindings':
        (source / 'mmcv/ops/csrc/pytorch/pybind.cpp').unlink()
    else:
        (source / 'setup.py').write_text('op_files = find()')
    before = (source / 'setup.py').read_text()
    assert not tool.joined_sources.join_sources(source, 2)
    assert (source / 'setup.py').read_text() == before
    assert not (source / 'joint').exists()
