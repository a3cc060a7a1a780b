from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / 'tools' / 'misc' / 'broken_environments'
NAMES = ('place', 'trial', 'package_cases', 'machine_cases')
TEN = (
    'no-torch', 'no-mmcv', 'mmcv-lite', 'mmcv-for-another-torch', 'numpy-1-with-new-opencv',
    'mmcv-2.2', 'no-compiler', 'full-disk', 'read-only-home', 'python-too-old',
)  # fmt: skip


@pytest.fixture(scope='module')
def tool():
    """The modules of tools/misc/broken_environments."""
    sys.path.insert(0, str(FOLDER))
    try:
        modules = {name: importlib.import_module(name) for name in NAMES}
        path = FOLDER / '__main__.py'
        spec = importlib.util.spec_from_file_location('broken_environments_main', path)
        main = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(main)
        return SimpleNamespace(main=main, **modules)
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture
def place(tool, tmp_path):
    """A place whose environment holds a fake Python, which prints ``said`` in its folder."""
    place = tool.place.Place(tmp_path / 'place')
    program(place.env / 'bin' / 'python', f'cat "{place.folder}/said"')
    return place


def program(path, code):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/usr/bin/env bash\n{code}\n')
    path.chmod(0o755)
    return path


def finding(name, status, cure=''):
    return {'name': name, 'status': status, 'found': f'{name} is broken', 'cure': cure}


def let_doctor_say(place, *findings):
    (place.folder / 'said').write_text(json.dumps({'findings': findings}))


# Copies.


@pytest.fixture
def made(tmp_path):
    """What an environment is made of, in small."""
    env = tmp_path / 'made'
    packages = env / 'lib' / 'python3.11' / 'site-packages'
    (packages / 'mmps-1.dist-info').mkdir(parents=True)
    (packages / 'module.py').write_text('x = 1\n')
    (packages / '__editable___mmps.py').write_text('/the/clone/mmps')
    (packages / 'mmps-1.dist-info' / 'direct_url.json').write_text('file:///the/clone')
    (env / 'mmps-setup.log').write_text('log\n')
    (env / 'pyvenv.cfg').write_text(f'command = python -m venv {env}\n')
    program(env / 'bin' / 'pip', f'exec {env}/bin/python "$@"')
    (env / 'bin' / 'ninja').write_bytes(b'\0' + bytes(env))
    (env / 'bin' / 'python').symlink_to(sys.executable)
    return env


def test_a_copied_environment_is_one_of_its_own(tool, made, tmp_path):
    before = tool.place.take_stock(made)
    copy = tmp_path / 'copy'
    tool.place.copy_environment(made, copy)
    assert f'{copy}/bin/python' in (copy / 'bin' / 'pip').read_text()
    assert os.access(copy / 'bin' / 'pip', os.X_OK)
    assert str(copy) in (copy / 'pyvenv.cfg').read_text()
    assert bytes(made) in (copy / 'bin' / 'ninja').read_bytes()
    assert (copy / 'bin' / 'python').is_symlink()
    assert tool.place.take_stock(made) == before


@pytest.mark.parametrize(
    ('path', 'linked'),
    [('lib/python3.11/site-packages/module.py', True), ('mmps-setup.log', False)],
)
def test_only_what_pip_replaces_is_linked(tool, made, tmp_path, path, linked):
    tool.place.copy_environment(made, tmp_path / 'copy')
    assert (made / path).samefile(tmp_path / 'copy' / path) == linked


def test_on_another_disk_files_are_copied(tool, made, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError('another disk')

    monkeypatch.setattr(tool.place.os, 'link', refuse)
    tool.place.copy_environment(made, tmp_path / 'copy')
    module = 'lib/python3.11/site-packages/module.py'
    assert (tmp_path / 'copy' / module).read_text() == 'x = 1\n'
    assert not (made / module).samefile(tmp_path / 'copy' / module)


def test_an_editable_installation_is_led_elsewhere_in_the_copy_only(tool, made, tmp_path):
    tool.place.copy_environment(made, tmp_path / 'copy')
    tool.place.replace_paths(tmp_path / 'copy', Path('/the/clone'), Path('/elsewhere'))
    for name, tail in (('__editable___mmps.py', '/mmps'), ('mmps-1.dist-info/direct_url.json', '')):
        path = f'lib/python3.11/site-packages/{name}'
        assert (tmp_path / 'copy' / path).read_text().endswith(f'/elsewhere{tail}')
        assert (made / path).read_text().endswith(f'/the/clone{tail}')


def test_stock_tells_what_was_written_to(tool, made):
    before = tool.place.take_stock(made)
    cache = made / 'lib' / '__pycache__'
    cache.mkdir()
    (cache / 'module.pyc').touch()
    assert tool.place.take_stock(made) == before
    (made / 'mmps-setup.log').write_text('another log\n')
    after = tool.place.take_stock(made)
    assert [path for path in before if after[path] != before[path]] == [f'{made}/mmps-setup.log']


def test_commands_run_in_the_copy_and_see_nothing_of_ours(tool, tmp_path, monkeypatch):
    monkeypatch.setenv('MMPS_VENV', 'ours')
    monkeypatch.setenv('PYTHONPATH', 'ours')
    place = tool.place.Place(tmp_path / 'place')
    place.wrapper = ('env', 'WRAPPED=yes')
    done = place.shell('echo $PWD $WRAPPED ${MMPS_VENV-none} ${PYTHONPATH-none}; exit 3')
    assert done.stdout.split() == [str(place.checkout), 'yes', 'none', 'none']
    assert (place.checkout / 'mmps' / 'versions.txt').is_file()
    assert '-> 3' in (place.folder / 'log.txt').read_text()


def test_a_failing_pip_is_told(place):
    with pytest.raises(RuntimeError, match='pip install nothing: cat: '):
        place.pip('install', 'nothing')


def test_paths_are_shortened(place):
    text = f'MMPS_VENV={place.env} bash {place.checkout}/tools/x.sh {place.folder}/disk'
    assert place.shorten(text) == 'MMPS_VENV=.venv bash tools/x.sh ../disk'


# What is said, and what is done about it.


def test_the_doctor_names_failures_before_warnings(tool, place):
    warning, failure = finding('disk', 'warning'), finding('torch', 'failure')
    let_doctor_say(place, finding('numpy', 'ok'), warning)
    assert tool.trial.ask_doctor(place) == [warning]
    let_doctor_say(place, warning, failure, finding('ops', 'skipped'))
    assert tool.trial.ask_doctor(place) == [failure]


def test_a_doctor_without_a_report_is_an_error(tool, place):
    with pytest.raises(tool.trial.TrialError, match='the doctor says: cat: '):
        tool.trial.ask_doctor(place)


@pytest.mark.parametrize('names', [(), ('torch', 'numpy')])
def test_one_complaint_is_wanted(tool, names):
    with pytest.raises(tool.trial.TrialError, match=f'{len(names)} complaints instead of one'):
        tool.trial.the_only_one([finding(name, 'failure') for name in names])


@pytest.mark.parametrize('works', [True, False])
def test_the_doctors_cure_is_run_as_it_stands(tool, place, monkeypatch, works):
    monkeypatch.setattr(place, 'copy_environment', lambda: None)
    mended = json.dumps({'findings': [finding('torch', 'ok')]})
    cure = f"echo '{mended}' >'{place.folder}/said'" if works else 'true'

    def spoil(place):
        let_doctor_say(place, finding('torch', 'failure', cure))

    verdict = tool.trial.by_doctor(spoil)(place)
    assert verdict == tool.trial.Verdict('torch is broken', cure, cured=works)


@pytest.mark.parametrize(
    'code', ['echo "setup_env: x: do y" >&2; exit 1', 'echo "[set-up] FAILED: x: do y"; exit 1']
)
def test_what_set_up_fails_with(tool, place, code):
    program(place.checkout / 'tools' / 'setup_env.sh', code)
    assert tool.trial.ask_set_up(place) == 'x: do y'


@pytest.mark.parametrize('code', ['exit 0', 'echo "line 3: syntax error" >&2; exit 1'])
def test_a_set_up_that_says_no_sentence_is_an_error(tool, place, code):
    program(place.checkout / 'tools' / 'setup_env.sh', code)
    with pytest.raises(tool.trial.TrialError, match=r'set-up ends with \d and says \[\]'):
        tool.trial.ask_set_up(place)


@pytest.mark.parametrize(('code', 'works'), [(0, True), (1, False)])
def test_set_up_works_where_the_doctor_agrees(tool, place, code, works):
    program(place.checkout / 'tools' / 'setup_env.sh', 'true')
    program(place.folder / 'new' / 'bin' / 'python', f'exit {code}')
    place.environ['MMPS_VENV'] = str(place.folder / 'new')
    assert tool.trial.set_up_works(place) == works


@pytest.mark.parametrize(
    ('cure', 'values', 'expected'),
    [
        ('free some, or name a folder with MMPS_VENV=DIR', {'DIR': 'x'}, {'MMPS_VENV': 'x'}),
        ('export A=DIR B=DIR && C=1 true', {'DIR': 'x'}, {'A': 'x', 'B': 'x'}),
        ('name it with P=/path/to/python', {'/path/to/python': 'p3'}, {'P': 'p3'}),
    ],
)
def test_variables_of_a_cure(tool, cure, values, expected):
    assert tool.trial.variables_of(cure, **values) == expected


def test_a_cure_without_a_variable_is_an_error(tool):
    with pytest.raises(tool.trial.TrialError, match='no variable to set: free some'):
        tool.trial.variables_of('free some', DIR='x')


def test_a_sentence_has_two_parts(tool):
    sentence = "it can't be compiled: install g++ (Debian: apt-get install g++) and run again"
    parts = ("it can't be compiled", 'install g++ (Debian: apt-get install g++) and run again')
    assert tool.trial.split_sentence(sentence) == parts


# The cases.


def test_the_ten_and_more_are_there(tool):
    assert set(TEN) <= set(tool.main.CASES)


def test_mmcv_for_another_torch_asks_for_what_torch_has_not(tool, place):
    mmcv = place.env / 'lib' / 'python3.11' / 'site-packages' / 'mmcv'
    mmcv.mkdir(parents=True)
    library = mmcv / '_ext.cpython-311.so'
    library.write_bytes(b'\0_ZN3c106detail14torchCheckFailEPKc\0')
    kept = place.folder / 'linked.so'
    os.link(library, kept)
    tool.package_cases.mmcv_for_another_torch(place)
    assert library.read_bytes() == b'\0_ZN3c106detail14torchCheckGoneEPKc\0'
    assert b'Fail' in kept.read_bytes()


def test_a_distribution_gets_another_name(tool, tmp_path):
    info = tmp_path / 'mmcv_lite-2.2.0.dist-info'
    info.mkdir()
    (info / 'RECORD').write_text('mmcv_lite-2.2.0.dist-info/METADATA,,\n')
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: mmcv-lite\nVersion: 2.2.0\n')
    tool.package_cases.rename_distribution(tmp_path, 'mmcv_lite-2.2.0', 'mmcv-2.2.0')
    (found,) = importlib.metadata.distributions(name='mmcv', path=[str(tmp_path)])
    assert found.version == '2.2.0'
    assert found.files[0].as_posix() == 'mmcv-2.2.0.dist-info/METADATA'


@pytest.mark.parametrize(
    ('name', 'compiler'),
    [
        ('g++', True), ('c++', True), ('x86_64-linux-gnu-gcc-12', True), ('clang++-15', True),
        ('gcc-ar', False), ('bash', False), ('cc1', False), ('git', False),
    ],
)  # fmt: skip
def test_only_compilers_are_left_off_the_path(tool, tmp_path, name, compiler):
    program(tmp_path / 'bin' / name, 'true')
    (tmp_path / 'links').mkdir()
    path = os.pathsep.join([str(tmp_path / 'bin'), str(tmp_path / 'not there')])
    tool.machine_cases.link_programs(path, tmp_path / 'links', tool.machine_cases.COMPILERS)
    assert (tmp_path / 'links' / name).exists() == (not compiler)


def test_the_first_program_on_the_path_counts(tool, tmp_path):
    first, second = (program(tmp_path / folder / 'x', 'true') for folder in 'ab')
    (tmp_path / 'links').mkdir()
    path = os.pathsep.join([str(first.parent), str(second.parent)])
    tool.machine_cases.link_programs(path, tmp_path / 'links', 'python3')
    assert (tmp_path / 'links' / 'x').resolve() == first


@pytest.mark.parametrize(('line', 'came'), [('building', True), ('never printed', False)])
def test_set_up_is_stopped_where_it_comes_to_a_line(tool, place, line, came):
    script = 'echo go; echo building mmcv; ' + ('exec sleep 60' if came else 'exit 0')
    program(place.checkout / 'tools' / 'setup_env.sh', script)
    assert tool.machine_cases.set_up_comes_to(place, line) == came


def test_an_old_python_is_found_or_stood_in_for(tool, tmp_path, monkeypatch):
    old = program(tmp_path / 'versions' / '3.8.18' / 'bin' / 'python3', 'echo 3 8')
    program(tmp_path / 'versions' / '3.12.1' / 'bin' / 'python3', 'echo 3 12')
    monkeypatch.setenv('PYENV_ROOT', str(tmp_path))
    monkeypatch.setattr(tool.machine_cases.shutil, 'which', lambda _: None)
    assert tool.machine_cases.find_old_python() == old
    old.unlink()
    assert tool.machine_cases.find_old_python() is None
    stub = tool.machine_cases.write_stub(tmp_path / 'python3')
    done = subprocess.run([stub, '--version'], capture_output=True, text=True, check=False)
    assert done.stdout == 'Python 3.8.18\n'


def test_without_unshare_nothing_can_be_mounted(tool, monkeypatch):
    monkeypatch.setattr(tool.machine_cases.shutil, 'which', lambda _: None)
    assert not tool.machine_cases.can_mount()


# The command.


@pytest.fixture
def two_cases(tool, monkeypatch, tmp_path):
    """One case that is cured and one that is not, and an environment of one file."""
    (tmp_path / 'made').mkdir()
    (tmp_path / 'made' / 'file').touch()
    monkeypatch.setattr(tool.main.sys, 'prefix', str(tmp_path / 'made'))
    good = tool.trial.Case('good', lambda _: tool.trial.Verdict('a', 'b', cured=True), 'a stub')

    def fail(place):
        raise tool.trial.TrialError(f'nothing in {place.folder}')

    cases = {'good': good, 'bad': tool.trial.Case('bad', fail)}
    monkeypatch.setattr(tool.main, 'CASES', cases)
    return cases


def test_the_command_prints_a_table_and_fails_where_a_cure_does(tool, two_cases, tmp_path, capsys):
    assert tool.main.main([str(tmp_path / 'out'), '--keep']) == 1
    said = capsys.readouterr().out
    assert said.count('| good | a | `b` | yes |') == 2
    assert '| bad | TrialError: nothing in .. | `` | **no** |' in said
    assert 'good: a stub.' in said
    assert '1 of 2 cured; not: bad' in said
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['bad', 'good']


def test_the_command_tries_what_is_named_and_tidies_up(tool, two_cases, tmp_path):
    assert tool.main.main([str(tmp_path / 'out'), '--only', 'good']) == 0
    assert list((tmp_path / 'out').iterdir()) == []


@pytest.mark.parametrize('how', ['changed', 'added', 'removed'])
def test_a_changed_original_is_a_failure(tool, two_cases, tmp_path, capsys, how):
    file = tmp_path / 'made' / ('another file' if how == 'added' else 'file')

    def spoil(_):
        file.unlink() if how == 'removed' else file.write_text('changed')
        return tool.trial.Verdict('a', 'b', cured=True)

    two_cases['good'] = tool.trial.Case('good', spoil)
    assert tool.main.main([str(tmp_path / 'out'), '--only', 'good']) == 1
    assert f'made: 1 files changed, of 1 {file}' in capsys.readouterr().out


def test_a_mount_that_is_not_allowed_is_told(tool, two_cases, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool.main, 'can_mount', lambda: False)
    two_cases['good'] = tool.trial.Case('good', two_cases['good'].try_out, mounts=True)
    assert tool.main.main([str(tmp_path / 'out'), '--only', 'good']) == 1
    assert 'not tried: it needs the right to mount' in capsys.readouterr().out


def test_a_folder_that_holds_something_is_refused(tool, two_cases, tmp_path, capsys):
    with pytest.raises(SystemExit):
        tool.main.main([str(tmp_path)])
    assert 'is not empty: name a new folder' in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason='not in a virtual environment')
def test_every_broken_environment_is_cured(tool, tmp_path):
    """About 17 minutes on two cores."""
    mount = tool.machine_cases.can_mount()
    names = [name for name, case in tool.main.CASES.items() if mount or not case.mounts]
    command = [sys.executable, str(FOLDER), str(tmp_path / 'broken'), '--only', *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f'{len(names)} of {len(names)} cured' in done.stdout
