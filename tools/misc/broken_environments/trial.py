"""Asks the doctor or the set-up script what is wrong, and carries out the cure that it names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from place import Place

DOCTOR = ('-m', 'mmps.doctor', '--json')
SET_UP = 'bash tools/setup_env.sh'


class TrialError(Exception):
    """An environment was not broken, or something else was said than one sentence."""


@dataclass(frozen=True)
class Verdict:
    """What one broken environment led to.

    Attributes:
        sentence: What the user was told is wrong.
        cure: What the user was told to do about it.
        cured: Whether everything worked after that.
    """

    sentence: str
    cure: str
    cured: bool


@dataclass(frozen=True)
class Case:
    """One kind of broken environment.

    Attributes:
        name: How it is called on the command line.
        try_out: Breaks a place, has it mended and tells what was seen.
        emulated: What is not as it would be on a user's machine.
        mounts: Whether it needs the right to mount.
    """

    name: str
    try_out: Callable[[Place], Verdict]
    emulated: str = ''
    mounts: bool = False


def ask_doctor(place: Place, python: Path | None = None) -> list[dict]:
    """What ``python -m mmps.doctor`` complains about: failures, and where none is, warnings.

    Args:
        place: Where to run it.
        python: The interpreter, if not that of the place's own environment.

    Raises:
        TrialError: If it prints no report.
    """
    done = place.run(str(python or place.env / 'bin' / 'python'), *DOCTOR)
    try:
        findings = json.loads(done.stdout)['findings']
    except ValueError as error:
        raise TrialError(f'the doctor says: {done.stderr.strip()[-500:]}') from error
    failures = [finding for finding in findings if finding['status'] == 'failure']
    return failures or [finding for finding in findings if finding['status'] == 'warning']


def the_only_one(complaints: list[dict]) -> dict:
    """The complaint.

    Raises:
        TrialError: If there are none or several.
    """
    if len(complaints) != 1:
        told = '; '.join(f'{c["name"]}: {c["found"]}' for c in complaints)
        raise TrialError(f'{len(complaints)} complaints instead of one: {told}')
    return complaints[0]


def by_doctor(spoil: Callable[[Place], None]) -> Callable[[Place], Verdict]:
    """A trial in which the doctor is asked and its cure is run as it stands.

    Args:
        spoil: Breaks the place's environment.
    """

    def try_out(place: Place) -> Verdict:
        place.copy_environment()
        spoil(place)
        complaint = the_only_one(ask_doctor(place))
        done = place.shell(complaint['cure'])
        cured = done.returncode == 0 and not ask_doctor(place)
        return Verdict(complaint['found'], complaint['cure'], cured)

    return try_out


def ask_set_up(place: Place) -> str:
    """What ``tools/setup_env.sh`` fails with.

    Args:
        place: Where to run it.

    Raises:
        TrialError: If it does not fail, or not with a sentence.
    """
    done = place.shell(SET_UP)
    said = re.findall(r'^(?:setup_env: |\[set-up\] FAILED: )(.+)$', done.stdout + done.stderr, re.M)
    if done.returncode == 0 or len(said) != 1:
        raise TrialError(f'set-up ends with {done.returncode} and says {said}')
    return said[0]


def set_up_works(place: Place) -> bool:
    """Run ``tools/setup_env.sh``, then the doctor in the environment that it made.

    Args:
        place: Its variable ``MMPS_VENV`` names the environment.
    """
    done = place.shell(SET_UP)
    python = Path(place.environ['MMPS_VENV']) / 'bin' / 'python'
    return done.returncode == 0 and place.run(str(python), *DOCTOR).returncode == 0


def split_sentence(sentence: str) -> tuple[str, str]:
    """What is wrong, and what to do about it: the parts before and after the first colon."""
    found, _, cure = sentence.partition(': ')
    return found, cure


def variables_of(cure: str, **values: object) -> dict[str, str]:
    """The environment variables that a cure names, with their placeholders filled in.

    Args:
        cure: Such as ``export TMPDIR=DIR``.
        values: Placeholder to value, such as ``DIR`` to a folder.

    Raises:
        TrialError: If the cure names no variable with such a placeholder.
    """
    named = dict(re.findall(r'\b([A-Z_]+)=(\S+)', cure))
    filled = {name: str(values[what]) for name, what in named.items() if what in values}
    if not filled:
        raise TrialError(f'the cure names no variable to set: {cure}')
    return filled
