"""A folder with copies of the checkout and of a working environment, to break and to mend."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ('mmps', 'configs', 'tools', 'setup.py', 'pyproject.toml', 'README.md', 'LICENSE')
# What would lead a command away from the copies.
FOREIGN = ('VIRTUAL_ENV', 'CONDA_PREFIX', 'PYTHONPATH', 'PYTHONHOME', 'CC', 'CXX', 'TMPDIR')
FOREIGN_PREFIXES = ('MMPS_VENV', 'MMPS_PYTHON', 'MMPS_STACK', 'COV_', 'PYTEST_')
TIME_LIMIT = 2400


class Place:
    """Where one broken environment is made.

    Attributes:
        folder: Holds everything of it.
        checkout: The copy of the checkout; commands run there.
        env: Where the copy of the environment is put.
        environ: Environment variables of the commands.
        wrapper: What each command is run by, such as ``unshare``.
    """

    def __init__(self, folder: Path) -> None:
        """Copy the checkout.

        Args:
            folder: Is made; must not exist.
        """
        folder.mkdir(parents=True)
        self.folder = folder
        self.env = folder / 'env'
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if name not in FOREIGN and not name.startswith(FOREIGN_PREFIXES)
        }
        self.wrapper: tuple[str, ...] = ()
        self.checkout = folder / 'checkout'
        self.copy_checkout(self.checkout)

    def copy_checkout(self, target: Path) -> None:
        """Copy what an installation needs, and run the commands there from now on."""
        target.mkdir(parents=True)
        for name in SOURCES:
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns('__pycache__')
                shutil.copytree(ROOT / name, target / name, ignore=ignored)
            else:
                shutil.copy(ROOT / name, target / name)
        self.checkout = target

    def copy_environment(self) -> None:
        """Copy the running interpreter's environment, with mmps from this checkout."""
        copy_environment(Path(sys.prefix), self.env)
        replace_paths(self.env, ROOT, self.checkout)

    @property
    def packages(self) -> Path:
        """The environment's folder of installed packages."""
        return next(self.env.glob('lib/python*/site-packages'))

    def new_folder(self, name: str) -> Path:
        """Make an empty folder of this place."""
        (self.folder / name).mkdir()
        return self.folder / name

    def run(self, *command: str) -> subprocess.CompletedProcess:
        """Run a command in the checkout and keep what it prints, also in ``log.txt``."""
        with (self.folder / 'log.txt').open('a') as log:
            print('\n$', *command, file=log)
        done = subprocess.run(
            [*self.wrapper, *command],
            cwd=self.checkout,
            env=self.environ,
            capture_output=True,
            text=True,
            errors='replace',
            check=False,
            timeout=TIME_LIMIT,
        )
        with (self.folder / 'log.txt').open('a') as log:
            print(done.stdout, done.stderr, f'-> {done.returncode}', sep='\n', file=log)
        return done

    def shell(self, line: str) -> subprocess.CompletedProcess:
        """Run a line of bash in the checkout."""
        return self.run('bash', '-c', line)

    def pip(self, *arguments: str) -> None:
        """Run the environment's pip.

        Raises:
            RuntimeError: If it fails: the environment is not broken in the way that was meant.
        """
        done = self.run(str(self.env / 'bin' / 'python'), '-m', 'pip', *arguments)
        if done.returncode:
            raise RuntimeError(f'pip {" ".join(arguments)}: {done.stderr[-500:]}')

    def shorten(self, text: str) -> str:
        """Text with the paths as they would be in a checkout."""
        for path, short in ((self.env, '.venv'), (self.checkout, '.'), (self.folder, '..')):
            text = text.replace(str(path), short)
        return text.replace('./tools/', 'tools/')


def copy_environment(source: Path, target: Path) -> None:
    """Copy a virtual environment so that the copy is one of its own.

    Installed files are linked, since pip and Python replace files and do not write into them;
    scripts, which name their interpreter, and files at the top are copied.

    Args:
        source: The environment.
        target: Is made; hard links need it to be on the same disk, otherwise files are copied.
    """

    def link_or_copy(path: str, copy: str) -> None:
        linked = Path(path).relative_to(source).parts[0] == 'lib'
        _link(path, copy) if linked else shutil.copy2(path, copy)

    shutil.copytree(source, target, symlinks=True, copy_function=link_or_copy)
    for path in [*(target / 'bin').iterdir(), target / 'pyvenv.cfg']:
        if path.is_file() and not path.is_symlink():
            _replace_in(path, source, target)


def replace_paths(env: Path, old: Path, new: Path) -> None:
    """Lead an editable installation in an environment to another checkout.

    Args:
        env: The environment.
        old: The checkout that is installed in it.
        new: The checkout to lead to.
    """
    for pattern in ('__editable__*', '*.dist-info/direct_url.json'):
        for path in env.glob(f'lib/python*/site-packages/{pattern}'):
            if path.is_file():
                _replace_in(path, old, new)


def take_stock(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below a folder, but for Python's own caches."""
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob('*')
        if '__pycache__' not in path.parts and not path.is_dir()
    }


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another disk
        shutil.copy2(source, target, follow_symlinks=False)


def _replace_in(path: Path, old: Path, new: Path) -> None:
    """Replace a path in a text file; the file is made anew, for it may be linked."""
    content = path.read_bytes()
    changed = content.replace(bytes(old), bytes(new))
    if changed != content and b'\0' not in content:
        mode = path.stat().st_mode
        path.unlink()
        path.write_bytes(changed)
        path.chmod(mode)
