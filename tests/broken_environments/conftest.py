"""A folder with copies of the checkout and of a working environment, to break and to repair."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ('mmps', 'configs', 'tools', 'setup.py', 'pyproject.toml', 'README.md', 'LICENSE')
# What would lead a command away from the copies.
FOREIGN = ('VIRTUAL_ENV', 'CONDA_PREFIX', 'PYTHONPATH', 'PYTHONHOME', 'CC', 'CXX', 'TMPDIR')
FOREIGN_PREFIXES = ('MMPS_', 'COV_', 'PYTEST_')
TIME_LIMIT = 2400
DOCTOR = ('-m', 'mmps.doctor', '--json')
SET_UP = ('bash', 'tools/setup_env.sh')


class Place:
    """Where one broken environment is made; commands run in ``checkout`` with ``environ``."""

    def __init__(self, folder):
        self.folder, self.env = folder, folder / 'env'
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if name not in FOREIGN and not name.startswith(FOREIGN_PREFIXES)
        }
        self.wrapper = ()  # what each command is run by, such as `unshare`
        self.copy_checkout(folder / 'checkout')

    def copy_checkout(self, target):
        for name in SOURCES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            target.mkdir(parents=True, exist_ok=True)
            copy(ROOT / name, target / name)
        self.checkout = target

    def copy_environment(self):
        """Copy the running interpreter's environment, with mmps from the copied checkout.

        Installed files are linked, since pip and Python replace files and do not write into them;
        scripts, which name their interpreter, and files at the top are copied.
        """
        source = Path(sys.prefix)

        def link_or_copy(path, copy):
            linked = Path(path).relative_to(source).parts[0] == 'lib'
            (os.link if linked else shutil.copy2)(path, copy)

        shutil.copytree(source, self.env, symlinks=True, copy_function=link_or_copy)
        for path in [*(self.env / 'bin').iterdir(), self.env / 'pyvenv.cfg']:
            if path.is_file() and not path.is_symlink():
                replace_in(path, source, self.env)
        for pattern in ('__editable__*', '*.dist-info/direct_url.json'):
            for path in self.packages.glob(pattern):
                replace_in(path, ROOT, self.checkout)

    @property
    def python(self):
        return str(self.env / 'bin' / 'python')

    @property
    def packages(self):
        return next(self.env.glob('lib/python*/site-packages'))

    def new_folder(self, name):
        (self.folder / name).mkdir()
        return self.folder / name

    def run(self, *command):
        return subprocess.run(
            [*self.wrapper, *command],
            cwd=self.checkout,
            env=self.environ,
            capture_output=True,
            text=True,
            errors='replace',
            check=False,
            timeout=TIME_LIMIT,
        )

    def pip(self, *arguments):
        done = self.run(self.python, '-m', 'pip', *arguments)
        assert done.returncode == 0, done.stderr

    def complaints(self, python=None):
        """What the doctor complains about: failures, and where there are none, warnings."""
        done = self.run(python or self.python, *DOCTOR)
        assert done.stdout.startswith('{'), done.stderr
        findings = json.loads(done.stdout)['findings']
        failures = [finding for finding in findings if finding['status'] == 'failure']
        return failures or [finding for finding in findings if finding['status'] == 'warning']

    def only_complaint(self):
        complaints = self.complaints()
        assert len(complaints) == 1, complaints
        return complaints[0]

    def set_up_fails(self):
        """The one sentence that set-up fails with: what is wrong, and the fix."""
        done = self.run(*SET_UP)
        pattern = r'^(?:setup_env: |\[set-up\] FAILED: )(.+)$'
        printed = re.findall(pattern, done.stdout + done.stderr, re.M)
        assert done.returncode, done.stdout
        assert len(printed) == 1, done.stdout + done.stderr
        found, _, fix = printed[0].partition(': ')
        return found, fix

    def set_up_works(self):
        """Whether set-up ends well and the doctor finds no failure in what it made."""
        done = self.run(*SET_UP)
        assert done.returncode == 0, done.stdout + done.stderr
        python = Path(self.environ['MMPS_VENV']) / 'bin' / 'python'
        return self.run(str(python), *DOCTOR).returncode == 0

    def follow(self, fix, **values):
        """Set the environment variables that a fix names, with its placeholders filled in."""
        named = dict(re.findall(r'\b([A-Z_]+)=(\S+)', fix))
        for placeholder, value in values.items():
            named = {k: v.replace(placeholder, str(value)) for k, v in named.items()}
        assert named, fix
        self.environ |= named


def replace_in(path, old, new):
    """Replace a path in a text file; the file is written again, for it may be linked."""
    content = path.read_bytes()
    changed = content.replace(bytes(old), bytes(new))
    if changed != content and b'\0' not in content:
        mode = path.stat().st_mode
        path.unlink()
        path.write_bytes(changed)
        path.chmod(mode)


def take_stock(folder):
    """Size and time of every file below a folder, except for Python's own caches."""
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob('*')
        if '__pycache__' not in path.parts and not path.is_dir()
    }


@pytest.fixture(scope='module')
def original():
    """The running environment, which stays as it is: copies of it are broken."""
    before = take_stock(Path(sys.prefix))
    yield
    after = take_stock(Path(sys.prefix))
    assert [path for path in before | after if before.get(path) != after.get(path)] == []


@pytest.fixture
def place(tmp_path, original):
    if not (Path(sys.prefix) / 'mmps-made.txt').is_file():
        pytest.skip('runs in an environment that tools/setup_env.sh made')
    return Place(tmp_path)
