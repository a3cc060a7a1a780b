"""Notes in the environment what was set up in it, so that a second run takes seconds."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from installer import ENVIRONMENT, can_write

FILE = ENVIRONMENT / 'mmps-setup.json'
# What an installation of mmps is made of.
SOURCES = ('mmps', 'configs', 'tools', 'setup.py', 'pyproject.toml', 'README.md', 'LICENSE')


@dataclass(frozen=True)
class Stamp:
    """What the last set-up left.

    Attributes:
        fingerprint: What it depended on, as a hash; empty where it did not come to its end.
        cpu_only: Whether ``--cpu`` was given, which holds until ``--gpu`` is.
    """

    fingerprint: str = ''
    cpu_only: bool = False


def read_stamp() -> Stamp:
    """The stamp of the last set-up; one that cannot be read is as good as none."""
    try:
        noted = json.loads(FILE.read_text('utf-8'))
        return Stamp(str(noted['fingerprint']), bool(noted.get('cpu_only')))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return Stamp()


def write_stamp(stamp: Stamp) -> None:
    """Note, whole or not at all, how far set-up is."""
    unfinished = FILE.with_suffix('.tmp')
    with unfinished.open('w', encoding='utf-8') as file:
        json.dump(asdict(stamp), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, FILE)


def fingerprint(stack: str, root: Path, versions: Path) -> str:
    """What a finished set-up depends on, as a hash.

    Args:
        stack: The stack.
        root: The checkout, or the folder of an installed wheel.
        versions: The constraints file.
    """
    digest = hashlib.sha256(repr((sys.version, stack, str(root))).encode())
    copied = (root / 'setup.py').is_file() and not can_write(root)
    # An editable installation follows the checkout by itself, a copy has to be made again.
    for path in (versions, *(source_files(root) if copied else [root / 'setup.py'])):
        digest.update(repr(str(path)).encode())
        digest.update(path.read_bytes() if path.is_file() else b'')
    return digest.hexdigest()


def source_files(root: Path) -> list[Path]:
    """Every file that an installation copies out of a checkout, but for Python's own caches."""
    found = []
    for source in (root / name for name in SOURCES):
        found += [source] if source.is_file() else source.rglob('*')
    return sorted(p for p in found if p.is_file() and '__pycache__' not in p.parts)
