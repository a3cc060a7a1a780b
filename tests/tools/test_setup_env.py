"""The shell scripts: which environment, which Python, what is handed over."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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
    assert 'has no working pip: repair it, or name another one' in done.stderr


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


def replace_steps(checkout, code='import sys; print(*sys.argv[1:])'):
    """Put another program in the place of what is handed over to."""
    (checkout / 'tools' / 'environment' / 'setup_env' / '__main__.py').write_text(code)


@pytest.mark.parametrize('option', ['--gpu', '--cpu', '--tests'])
def test_what_operators_to_build_is_handed_over(checkout, tmp_path, option):
    fake_program(tmp_path / 'an env' / 'bin', 'python', f'exec "{sys.executable}" "$@"')
    replace_steps(checkout)
    environment = {'MMPS_VENV': str(tmp_path / 'an env'), 'MMPS_STACK': 'onedl'}
    done = bash(checkout / 'tools' / 'setup_env.sh', option, **environment)
    assert done.stdout.endswith(f'--stack onedl --torch  {option}\n'), done.stderr


@pytest.mark.installer
def test_an_interrupted_environment_is_made_again(checkout):
    """The environment is made and handed over; installing is not tried here."""
    (checkout / '.venv').mkdir()
    (checkout / '.venv' / 'mmps-made.txt').touch()
    replace_steps(checkout, 'import sys; print(sys.prefix, *sys.argv[1:])')
    done = bash(checkout / 'tools' / 'setup_env.sh', '--gpu', cwd='/')
    assert done.returncode == 0, done.stderr
    assert f'{checkout}/.venv --stack openmmlab --torch  --gpu' in done.stdout


# The test runner.


@pytest.mark.parametrize(
    ('arguments', 'last'),
    [
        ([], ''),
        (['--fast', '-k', 'x'], ' -m not slow and not installer and not long -k x'),
        (['--stack', 'onedl', '--long'], ' --long'),
    ],
)
def test_run_tests_sets_up_then_lints_then_tests(checkout, tmp_path, arguments, last):
    python = fake_program(tmp_path / 'bin', 'python', 'echo "$@" in $PWD with ${MMPS_STACK:-none}')
    fake = f'[[ "${{1:-}}" == --print-python ]] && echo {python} || echo set up $1'
    fake_program(checkout / 'tools', 'setup_env.sh', fake)
    done = bash(checkout / 'tools' / 'run_tests.sh', *arguments, cwd=tmp_path)
    stack = 'onedl' if 'onedl' in arguments else 'none'
    told = [line.removesuffix(f' in {checkout} with {stack}') for line in done.stdout.splitlines()]
    assert told[:-1] == ['set up --tests', '-m ruff check .', '-m ruff format --check .']
    processes = min(8, os.cpu_count())
    assert told[-1] == f'-m pytest -n {processes} --dist loadfile --no-loadscope-reorder{last}'


def test_run_tests_stops_where_the_style_is_wrong(checkout, tmp_path):
    python = fake_program(tmp_path / 'bin', 'python', 'echo "$@"; exit 1')
    fake_program(checkout / 'tools', 'setup_env.sh', f'echo {python}')
    done = bash(checkout / 'tools' / 'run_tests.sh')
    assert done.returncode == 1
    assert '-m pytest' not in done.stdout
