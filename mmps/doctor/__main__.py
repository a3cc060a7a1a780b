"""``python -m mmps.doctor [--json] [--brief]``."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import asdict

from mmps.version import __version__

from .diagnosis import diagnose
from .facts import gather, look_at_python
from .findings import FAILURE, OK, SKIPPED, WARNING, Finding
from .machine import is_too_old

MARKS = {OK: 'ok     ', WARNING: 'warning', FAILURE: 'FAILED ', SKIPPED: 'skipped'}


def main(arguments: list[str] | None = None) -> int:
    """Examine this installation and print the report.

    Args:
        arguments: Command-line arguments; those of the process when not given.

    Returns:
        0 where everything works, 1 where something fails.
    """
    parser = argparse.ArgumentParser(prog='python -m mmps.doctor', description=__doc__)
    parser.add_argument('--json', action='store_true', help='print JSON, for a bug report')
    parser.add_argument('--brief', action='store_true', help='print failures only')
    options = parser.parse_args(arguments)
    facts = look_at_python()
    if not is_too_old(facts):  # which could try nothing
        facts = gather()
    findings = diagnose(facts)
    failed = any(finding.status == FAILURE for finding in findings)
    if options.json:
        report = {
            'mmps': __version__,
            'ok': not failed,
            'platform': platform.platform(),
            'facts': asdict(facts),
            'findings': [asdict(finding) for finding in findings],
        }
        print(json.dumps(report, indent=2))
    else:
        print_findings(findings, brief=options.brief)
    return int(failed)


def print_findings(findings: list[Finding], brief: bool) -> None:
    """Print one line per finding, and its cure below.

    Args:
        findings: What to print.
        brief: Leave out what does not fail.
    """
    for finding in findings:
        if brief and finding.status != FAILURE:
            continue
        print(f'{MARKS[finding.status]}  {finding.name:<11} {finding.found}')
        if finding.cure:
            print(f'         {"":<11} -> {finding.cure}')
    if not brief:
        failures = sum(finding.status == FAILURE for finding in findings)
        print(f'{failures} of {len(findings)} checks failed' if failures else 'everything works')


if __name__ == '__main__':
    sys.exit(main())
