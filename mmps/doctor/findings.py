"""One line of the doctor's report."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARNING, FAILURE, SKIPPED = 'ok', 'warning', 'failure', 'skipped'


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        name: What was looked at, such as ``torch``.
        status: ``ok``, ``warning`` (works, with a limit), ``failure`` or ``skipped`` (something
            that it needs failed).
        found: One sentence that says what is there.
        fix: The command or the step that repairs it; empty where nothing is wrong.
    """

    name: str
    status: str
    found: str
    fix: str = ''
