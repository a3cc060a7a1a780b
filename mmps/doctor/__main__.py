"""``python -m mmps.doctor [--json]``."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import asdict

from mmps.version import __version__

from .diagnosis import diagnose
from .facts import gather
from .findings import FAILURE, OK, SKIPPED, WARNING, Finding

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
    as_json = parser.parse_args(arguments).json
    facts = gather()
    findings = diagnose(facts)
    failed = any(finding.status == FAILURE for finding in findings)
    if as_json:
        report = {
            'mmps': __version__,
            'ok': not failed,
            'platform': platform.platform(),
            'facts': asdict(facts),
            'findings': [asdict(finding) for finding in findings],
        }
        print(json.dumps(report, indent=2))
    else:
        print_findings(findings)
    return int(failed)


def print_findings(findings: list[Finding]) -> None:
    """Print one line per finding, and its fix below.

    Args:
        findings: Findings to print.
    """
    for finding in findings:
        print(f'{MARKS[finding.status]}  {finding.name:<11} {finding.found}')
        if finding.fix:
            print(f'         {"":<11} -> {finding.fix}')
    failures = sum(finding.status == FAILURE for finding in findings)
    print(f'{failures} of {len(findings)} checks failed' if failures else 'everything works')


if __name__ == '__main__':
    sys.exit(main())
