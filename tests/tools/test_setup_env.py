from __future__ import annotations

import argparse
import errno
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / 'tools' / 'misc' / 'setup_env'
GPU = {'name': 'GPU', 'memory': 1, 'architecture': '9.0'}


@pytest.fixture(scope='module')
def tool():
    """The three modules of tools/misc/setup_env."""
    sys.path.insert(0, str(FOLDER))
    try:
        spec = importlib.util.spec_from_file_location('setup_env_main', FOLDER / '__main__.py')
        main = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(main)
        return SimpleNamespace(
            main=main, installer=sys.modules['installer'], mmcv=sys.modules['mmcv_wheel']
        )
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture
def checkout(tmp_path):
    """A copy of what the shell scripts touch, in a folder with a space."""
    folder = tmp_path / 'a clone'
    shutil.copytree(ROOT / 'tools', folder / 'tools', ignore=shutil.ignore_patterns('__pycache__'))
    (folder / 'mmps').mkdir()
    shutil.copy(ROOT / 'mmps' / 'versions.txt', folder / 'mmps')
    (folder / 'setup.py').touch()
    return folder


def bash(script, *arguments, cwd=None, **environment):
    names = ('VIRTUAL_ENV', 'CONDA_PREFIX', 'CONDA_DEFAULT_ENV', 'MMPS_VENV', 'MMPS_STACK')
    clean = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run(
        [shutil.which('bash'), str(script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**clean, **environment},
    )


def fake_program(folder, name, code):
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / name
    path.write_text(f'#!{shutil.which("bash")}\n{code}\n')
    path.chmod(0o755)
    return path


# The shell script: which environment, which Python.


@pytest.mark.parametrize(
    ('arguments', 'environment', 'expected'),
    [
        ([], {}, '{root}/.venv'),
        (['--stack', 'onedl'], {}, '{root}/.venv-onedl'),
        ([], {'MMPS_STACK': 'onedl'}, '{root}/.venv-onedl'),
        ([], {'VIRTUAL_ENV': '/active'}, '/active'),
        ([], {'VIRTUAL_ENV': '/active', 'MMPS_VENV': '/named'}, '/named'),
        ([], {'CONDA_PREFIX': '/conda', 'CONDA_DEFAULT_ENV': 'mine'}, '/conda'),
        ([], {'CONDA_PREFIX': '/conda', 'CONDA_DEFAULT_ENV': 'base'}, '{root}/.venv'),
    ],
)
def test_which_environment(checkout, tmp_path, arguments, environment, expected):
    script = checkout / 'tools' / 'setup_env.sh'
    done = bash(script, '--print-python', *arguments, cwd=tmp_path, **environment)
    assert done.stdout.strip() == expected.format(root=checkout) + '/bin/python'


def test_a_wheel_uses_the_environment_that_holds_it(tmp_path):
    mim = tmp_path / 'env' / 'lib' / 'python3.11' / 'site-packages' / 'mmps' / '.mim'
    shutil.copytree(ROOT / 'tools', mim / 'tools')
    done = bash(mim / 'tools' / 'setup_env.sh', '--print-python')
    assert done.stdout.strip() == str(tmp_path / 'env' / 'bin' / 'python')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--stack', 'other'], "the stack is openmmlab or onedl, not 'other'"),
        (['--fast'], 'unknown argument --fast'),
    ],
)
def test_wrong_arguments(arguments, message):
    done = bash(ROOT / 'tools' / 'setup_env.sh', *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_no_fitting_python_is_one_sentence(checkout, tmp_path):
    old = fake_program(tmp_path, 'old', '[[ "$1" == --version ]] && echo Python 3.8.1; exit 1')
    done = bash(checkout / 'tools' / 'setup_env.sh', MMPS_PYTHON=str(old))
    assert done.returncode == 1
    assert 'no Python 3.10 to 3.12 is there' in done.stderr
    assert 'is Python 3.8.1): install one and name it with MMPS_PYTHON' in done.stderr


def test_an_environment_that_is_not_ours_is_not_made_over(checkout, tmp_path):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'thesis.tex').touch()
    done = bash(checkout / 'tools' / 'setup_env.sh', MMPS_VENV=str(tmp_path / 'mine'))
    assert done.returncode == 1
    assert 'has no working pip: mend it, or name another one' in done.stderr


def test_an_empty_folder_is_taken(checkout, tmp_path):
    fits = f'[[ "$1" == -m ]] || exec "{sys.executable}" "$@"'
    python = fake_program(tmp_path, 'new', f'{fits}\nexit 1')
    (tmp_path / 'empty').mkdir()
    environment = {'MMPS_VENV': str(tmp_path / 'empty'), 'MMPS_PYTHON': str(python)}
    done = bash(checkout / 'tools' / 'setup_env.sh', **environment)
    assert f'making the environment {tmp_path}/empty with {python}' in done.stdout
    assert f'{python} cannot make a virtual environment: install its venv package' in done.stderr


def test_a_full_disk_is_one_sentence_before_anything_is_made(checkout, tmp_path):
    head = 'Filesystem 1024-blocks Used Available Capacity Mounted on'
    fake_program(tmp_path / 'bin', 'df', f'echo "{head}"; echo "/dev/x 9000000 0 70000 99% /"')
    path = f'{tmp_path}/bin{os.pathsep}{os.environ["PATH"]}'
    env = tmp_path / 'not' / 'there'
    done = bash(checkout / 'tools' / 'setup_env.sh', MMPS_VENV=str(env), PATH=path)
    assert done.returncode == 1
    assert f'the disk of {env} has 68 MiB free and the environment needs 4096' in done.stderr
    assert 'free some, or name a folder on another disk with MMPS_VENV=DIR' in done.stderr
    assert not env.parent.exists()


def test_an_environment_with_an_old_python_is_refused(checkout, tmp_path):
    (checkout / 'mmps' / 'versions.txt').write_text('# python: 3.98 to 3.99\n')
    fake_program(tmp_path / 'old' / 'bin', 'python', f'exec "{sys.executable}" "$@"')
    done = bash(checkout / 'tools' / 'setup_env.sh', MMPS_VENV=str(tmp_path / 'old'))
    assert done.returncode == 1
    found = f'environment {tmp_path}/old has Python {sys.version.split()[0]}, too old: '
    assert f'{found}name another folder with MMPS_VENV=DIR' in done.stderr
    assert 'a Python 3.98 to 3.99 with MMPS_PYTHON=/path/to/python' in done.stderr


def test_a_folder_that_cannot_be_written_is_one_sentence(checkout, tmp_path):
    (tmp_path / 'file').touch()
    done = bash(checkout / 'tools' / 'setup_env.sh', MMPS_VENV=str(tmp_path / 'file' / 'env'))
    assert done.returncode == 1
    assert 'name a folder that you can write with MMPS_VENV=DIR' in done.stderr


@pytest.mark.slow
def test_an_interrupted_environment_is_made_again(checkout):
    """The environment is made and handed over; installing is not tried here."""
    (checkout / '.venv').mkdir()
    (checkout / '.venv' / 'mmps-made.txt').touch()
    main = checkout / 'tools' / 'misc' / 'setup_env' / '__main__.py'
    main.write_text('import sys; print(sys.prefix, *sys.argv[1:])')
    done = bash(checkout / 'tools' / 'setup_env.sh', '--gpu', cwd='/')
    assert done.returncode == 0, done.stderr
    handed_over = f'{checkout}/.venv --root {checkout} --versions {checkout}/mmps/versions.txt'
    assert f'{handed_over} --stack openmmlab --gpu' in done.stdout


# The test runner.


@pytest.mark.parametrize(
    ('arguments', 'last'),
    [
        ([], '-m pytest'),
        (['--fast', '-k', 'x'], '-m pytest -m not slow -k x'),
        (['--stack', 'onedl', '--fast'], '-m pytest -m not slow'),
    ],
)
def test_run_tests_sets_up_then_lints_then_tests(checkout, tmp_path, arguments, last):
    python = fake_program(tmp_path / 'bin', 'python', 'echo "$@" in $PWD with ${MMPS_STACK:-none}')
    fake = f'[[ "${{1:-}}" == --print-python ]] && echo {python} || echo set up'
    fake_program(checkout / 'tools', 'setup_env.sh', fake)
    done = bash(checkout / 'tools' / 'run_tests.sh', *arguments, cwd=tmp_path)
    stack = 'onedl' if 'onedl' in arguments else 'none'
    told = [line.removesuffix(f' in {checkout} with {stack}') for line in done.stdout.splitlines()]
    assert told == ['set up', '-m ruff check .', '-m ruff format --check .', last]


def test_run_tests_stops_where_the_style_is_wrong(checkout, tmp_path):
    python = fake_program(tmp_path / 'bin', 'python', 'echo "$@"; exit 1')
    fake_program(checkout / 'tools', 'setup_env.sh', f'echo {python}')
    done = bash(checkout / 'tools' / 'run_tests.sh')
    assert done.returncode == 1
    assert '-m pytest' not in done.stdout


# Pip, its log and its cures.


@pytest.fixture
def installer(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool.installer, 'ENVIRONMENT', tmp_path)
    return tool.installer.Installer(ROOT / 'mmps' / 'versions.txt')


def test_requirements_are_those_of_the_versions_file(installer):
    assert installer.requirements['mmcv'].startswith('mmcv==')
    assert installer.requirements['numpy'].startswith('numpy<=')


@pytest.mark.parametrize('made_here', [True, False])
def test_only_an_environment_of_our_own_is_held_to_the_versions(
    tool, tmp_path, monkeypatch, made_here
):
    monkeypatch.setattr(tool.installer, 'ENVIRONMENT', tmp_path)
    if made_here:
        (tmp_path / 'mmps-made.txt').touch()
    constraints = tool.installer.Installer(ROOT / 'mmps' / 'versions.txt').constraints
    assert bool(constraints) is made_here


@pytest.mark.parametrize(
    ('log', 'cure'),
    [
        ('OSError: [Errno 28] No space left on device', 'free some GiB'),
        ("[Errno 13] Permission denied: '/usr/lib'", 'MMPS_VENV=DIR'),
        ("error: command 'g++' failed: No such file or directory", 'install a C++ compiler'),
        ('RuntimeError: The detected CUDA version (12.4) mismatches', 'install the CUDA toolkit'),
        ('c++: fatal error: Killed signal terminated program cc1plus', 'MAX_JOBS=1'),
        ('Max retries exceeded\nERROR: No matching distribution found', 'cannot be reached'),
        ('ERROR: No matching distribution found for torch==2.13.0', 'pip finds no such version'),
        ('something else', 'the last lines of the log say why'),
    ],
)
def test_cures(tool, log, cure):
    assert cure in tool.installer.find_cure(log)


def test_a_failing_command_is_named_with_its_cure_and_logged(tool, installer):
    installer.log.write_text('an older run: Permission denied\n')
    code = 'print("No space left on device"); raise SystemExit(1)'
    with pytest.raises(tool.installer.SetupError, match='free some GiB'):
        installer.run([sys.executable, '-c', code])
    assert 'No space left on device' in installer.log.read_text()


def test_a_long_command_gives_signs_of_life(tool, installer, monkeypatch, capsys):
    monkeypatch.setattr(tool.installer, 'HEARTBEAT_SECONDS', 0.2)
    command = [sys.executable, '-c', 'import time; time.sleep(1)']
    installer.run(command, progress=lambda: '(3 of 7 files compiled)')
    assert '0:00 min (3 of 7 files compiled)' in capsys.readouterr().out


def test_an_interrupted_command_ends_with_what_it_started(tool, installer, monkeypatch, tmp_path):
    """pip starts compilers: ending pip alone would leave them running."""
    monkeypatch.setattr(tool.installer, 'HEARTBEAT_SECONDS', 0.5)
    note = tmp_path / 'pid of the child'

    def interrupt():
        raise KeyboardInterrupt

    script = f'sleep 60 & echo $! >"{note}"; wait'
    with pytest.raises(KeyboardInterrupt):
        installer.run([shutil.which('bash'), '-c', script], progress=interrupt)
    deadline = time.monotonic() + 5
    while is_running(int(note.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(int(note.read_text()))


def is_running(pid):
    status = Path(f'/proc/{pid}/stat')
    return status.exists() and status.read_text().rsplit(')', 1)[1].split()[0] != 'Z'


# MMCV's wheels.


class FakeInstaller:
    """An installer whose probe of MMCV's operators answers in turn."""

    def __init__(self, answers, devices=()):
        self.requirements = {'mmcv': 'mmcv==2.1.0'}
        self.constraints = ()
        self.answers, self.devices = list(answers), list(devices)
        self.told = []

    def works(self, probe):
        if probe == 'torch':
            return {'version': '2.13.0+cpu', 'cuda': None, 'devices': self.devices}
        return {'gpu': bool(self.devices)} if self.answers.pop(0) else None

    def call(self, *arguments):
        return SimpleNamespace(stdout='', stderr='')

    def pip(self, *arguments):
        self.told.append(arguments)

    def uninstall(self, *names):
        self.told.append(('uninstall', *names))


@pytest.fixture
def cache(tool, tmp_path, monkeypatch):
    monkeypatch.setenv('MMPS_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(tool.mmcv.shutil, 'which', lambda _: None)
    monkeypatch.setattr(tool.mmcv, 'find_compiler', lambda: 'c++')
    monkeypatch.delenv('CUDA_HOME', raising=False)
    return tmp_path / 'cache'


def wheel_in(cache, tool, torch='2.13.0+cpu'):
    python = f'cp{sys.version_info[0]}{sys.version_info[1]}'
    folder = cache / f'mmcv-2.1.0-torch{torch}-cpu-{python}-{tool.mmcv.platform.machine()}'
    folder.mkdir(parents=True)
    wheel = folder / f'mmcv-2.1.0-{python}-{python}-linux_x86_64.whl'
    wheel.touch()
    return wheel


def test_an_mmcv_that_works_is_kept(tool, cache):
    installer = FakeInstaller([True])
    tool.mmcv.MmcvWheels(installer, 'mmcv').ensure(gpu=False)
    assert installer.told == []


def test_the_wheel_of_this_torch_is_taken(tool, cache):
    wheel = wheel_in(cache, tool)
    wheel_in(cache, tool, torch='2.9.0')
    installer = FakeInstaller([False, True])
    tool.mmcv.MmcvWheels(installer, 'mmcv').ensure(gpu=False)
    assert {arguments[-1] for arguments in installer.told[1:]} == {str(wheel)}


def test_a_wheel_of_another_torch_is_noticed_and_mmcv_is_built(tool, cache, monkeypatch, capsys):
    wheel_in(cache, tool)
    wheels = tool.mmcv.MmcvWheels(FakeInstaller([False, False, True]), 'mmcv')
    built = Path('built.whl')
    monkeypatch.setattr(wheels, '_build', lambda folder, torch: built)
    wheels.ensure(gpu=False)
    assert 'it was built for another torch' in capsys.readouterr().out
    assert wheels.installer.told[-1][-1] == str(built)


def test_a_build_that_does_not_work_is_an_error(tool, cache, monkeypatch):
    wheels = tool.mmcv.MmcvWheels(FakeInstaller([False, False]), 'mmcv')
    monkeypatch.setattr(wheels, '_build', lambda folder, torch: Path('built.whl'))
    with pytest.raises(tool.installer.SetupError, match='mmcv is built but fails'):
        wheels.ensure(gpu=False)


@pytest.mark.parametrize('method', ['check_compiler', 'ensure'])
def test_without_a_compiler_the_build_is_not_begun(tool, cache, monkeypatch, method):
    monkeypatch.setattr(tool.mmcv, 'find_compiler', lambda: None)
    wheels = tool.mmcv.MmcvWheels(FakeInstaller([False]), 'mmcv')
    ways = {'check_compiler': wheels.check_compiler, 'ensure': lambda: wheels.ensure(gpu=False)}
    with pytest.raises(tool.installer.SetupError, match=r'install a C\+\+ compiler .* run again'):
        ways[method]()


@pytest.mark.parametrize('reason', ['a compiler', 'a wheel', 'a working mmcv'])
def test_an_environment_that_needs_no_compiler_is_gone_on_with(tool, cache, monkeypatch, reason):
    if reason != 'a compiler':
        monkeypatch.setattr(tool.mmcv, 'find_compiler', lambda: None)
    if reason == 'a wheel':
        wheel_in(cache, tool, torch='2.9.0')
    wheels = tool.mmcv.MmcvWheels(FakeInstaller([reason == 'a working mmcv']), 'mmcv')
    wheels.check_compiler()
    assert wheels.installer.told == []


def test_an_mmcv_under_mmcv_lite_is_installed_anew(tool, cache, monkeypatch):
    """Both write the same files: removing mmcv-lite takes mmcv's with it."""
    monkeypatch.setattr(tool.mmcv, 'is_installed', lambda name: name == 'mmcv-lite')
    wheel = wheel_in(cache, tool)
    installer = FakeInstaller([True, True])
    tool.mmcv.MmcvWheels(installer, 'mmcv').ensure(gpu=False)
    assert installer.told[0][:2] == ('uninstall', 'mmcv-lite')
    assert installer.told[-1][-1] == str(wheel)


def test_a_wheel_in_a_folder_that_cannot_be_written_is_read(tool, cache, monkeypatch):
    wheel = wheel_in(cache, tool)
    monkeypatch.setattr(tool.mmcv, 'can_write', lambda folder: False)
    assert tool.mmcv.cache_folder() == Path(sys.prefix) / 'mmps-cache'
    installer = FakeInstaller([False, True])
    tool.mmcv.MmcvWheels(installer, 'mmcv').ensure(gpu=False)
    assert installer.told[-1][-1] == str(wheel)


def test_the_compiler_is_the_one_that_torch_calls(tool, tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.delenv('CXX', raising=False)
    assert tool.mmcv.find_compiler() is None
    compiler = fake_program(tmp_path, 'c++', '')
    assert tool.mmcv.find_compiler() == str(compiler)
    monkeypatch.setenv('CXX', 'clang++')
    assert tool.mmcv.find_compiler() is None


def test_an_mmcv_that_mmdet_refuses_is_not_kept(tool, cache, monkeypatch):
    installer = FakeInstaller([True, True])
    complaints = iter(['AssertionError: MMCV==2.2.0 is used', ''])
    monkeypatch.setattr(
        installer, 'call', lambda *_: SimpleNamespace(stdout='', stderr=next(complaints, ''))
    )
    wheel_in(cache, tool)
    tool.mmcv.MmcvWheels(installer, 'mmcv').ensure(gpu=False)
    assert installer.told


def test_gpu_operators_without_a_gpu_or_nvcc_are_refused(tool, cache):
    with pytest.raises(tool.installer.SetupError, match='need a GPU that torch sees'):
        tool.mmcv.MmcvWheels(FakeInstaller([True]), 'mmcv').ensure(gpu=True)
    with pytest.raises(tool.installer.SetupError, match='and nvcc of CUDA'):
        tool.mmcv.MmcvWheels(FakeInstaller([True], [GPU]), 'mmcv').ensure(gpu=True)


def test_the_build_is_told_how(tool, cache, monkeypatch):
    installer = FakeInstaller([])
    wheels = tool.mmcv.MmcvWheels(installer, 'mmcv')
    folder = cache / 'key'
    source = folder / 'source' / 'mmcv-2.1.0'
    source.mkdir(parents=True)
    seen = []

    def run(command, settings, folder, progress):
        seen.append(settings)
        Path(command[-1]).mkdir()
        (Path(command[-1]) / 'mmcv.whl').touch()
        assert command[1] == 'setup.py'
        assert folder == source
        assert progress() == ''

    installer.run = run
    monkeypatch.setenv('MAX_JOBS', '7')
    assert wheels._build(folder, None) == folder / 'mmcv.whl'
    assert seen[0]['MMCV_WITH_OPS'] == '1'
    assert seen[0]['MAX_JOBS'] == '7'
    assert seen[0]['CUDA_VISIBLE_DEVICES'] == os.environ.get('CUDA_VISIBLE_DEVICES', '')
    assert [path.name for path in folder.iterdir()] == ['mmcv.whl']
    source.mkdir(parents=True)
    wheels._build(folder, {'devices': [GPU, GPU]})
    assert seen[1]['TORCH_CUDA_ARCH_LIST'] == '9.0'
    assert seen[1]['FORCE_CUDA'] == '1'


def test_an_interrupted_build_goes_on_in_its_source(tool, cache):
    installer = FakeInstaller([])
    source = cache / 'key' / 'source' / 'mmcv-2.1.0'
    source.mkdir(parents=True)
    assert tool.mmcv.MmcvWheels(installer, 'mmcv')._unpack_source(cache / 'key') == source
    assert installer.told == []


def test_the_build_counts_its_files(tool, tmp_path):
    assert tool.mmcv.describe_build(tmp_path) == ''
    plan = tmp_path / 'build' / 'temp.linux' / 'build.ninja'
    (plan.parent / 'deep').mkdir(parents=True)
    plan.write_text('rule compile\nbuild /x/a.o: compile a\nbuild /x/b.o: compile b\n')
    (plan.parent / 'deep' / 'a.o').touch()
    assert tool.mmcv.describe_build(tmp_path) == '(1 of 2 files compiled)'


def test_where_wheels_are_kept(tool, tmp_path, monkeypatch):
    monkeypatch.delenv('MMPS_CACHE', raising=False)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert tool.mmcv.cache_folder() == tmp_path / 'mmps'
    monkeypatch.setenv('MMPS_CACHE', str(tmp_path / 'mine'))
    assert tool.mmcv.cache_folder() == tmp_path / 'mine'
    (tmp_path / 'file').touch()
    monkeypatch.setenv('MMPS_CACHE', str(tmp_path / 'file' / 'below'))
    assert tool.mmcv.cache_folder() == Path(sys.prefix) / 'mmps-cache'


# The stamp, and what is refused.


def test_a_finished_setup_is_known_by_versions_python_and_stack(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool.main, 'STAMP', tmp_path / 'stamp.json')
    versions = tmp_path / 'versions.txt'
    versions.write_text('torch==1')
    options = argparse.Namespace(stack='openmmlab', gpu=False, root=tmp_path, versions=versions)
    key = tool.main.fingerprint(options)
    assert tool.main.read_stamp() == ''
    tool.main.write_stamp(key)
    assert tool.main.read_stamp() == key == tool.main.fingerprint(options)
    assert tool.main.fingerprint(argparse.Namespace(**{**vars(options), 'stack': 'onedl'})) != key
    versions.write_text('torch==2')
    assert tool.main.fingerprint(options) != key


def test_the_other_stack_is_not_overwritten(tool, monkeypatch):
    monkeypatch.setattr(tool.main, 'is_installed', lambda name: name == 'mmdet')
    tool.main.check_other_stack('openmmlab')
    with pytest.raises(tool.main.SetupError, match='holds mmdet, which the stack onedl would'):
        tool.main.check_other_stack('onedl')


def test_no_room_for_torch_is_said_before_the_download(tool, monkeypatch):
    usage = SimpleNamespace(free=70 << 20)
    monkeypatch.setattr(tool.main.shutil, 'disk_usage', lambda _: usage)
    monkeypatch.setattr(tool.main, 'is_installed', lambda _: False)
    with pytest.raises(tool.main.SetupError, match='70 MiB free and torch and mmcv need 4096'):
        tool.main.ensure_torch(None)


@pytest.mark.parametrize('writable', [True, False])
def test_mmps_is_installed_from_a_checkout_that_cannot_be_written(tool, monkeypatch, writable):
    monkeypatch.setattr(tool.main, 'can_write', lambda folder: writable)
    seen = []

    def pip(*arguments):
        folder = Path(arguments[-1].removesuffix('[tests]'))
        seen.append((arguments[-2] == '-e', folder, (folder / 'mmps' / 'versions.txt').is_file()))

    tool.main.ensure_mmps(SimpleNamespace(pip=pip, constraints=()), ROOT)
    ((editable, folder, whole),) = seen
    assert whole
    assert editable == (folder == ROOT) == writable
    assert folder.exists() == writable


def test_a_disk_that_fills_up_is_an_error_with_a_cure(tool, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), 'mmps-setup.log')

    monkeypatch.setattr(tool.main, 'set_up', fail)
    versions = str(ROOT / 'mmps' / 'versions.txt')
    arguments = ['setup', '--root', str(ROOT), '--versions', versions, '--stack', 'openmmlab']
    monkeypatch.setattr(sys, 'argv', arguments)
    monkeypatch.setattr(signal, 'signal', lambda *_: None)
    assert tool.main.main() == 1
    said = capsys.readouterr().out
    assert "No space left on device: 'mmps-setup.log': a disk is full: free some GiB" in said
