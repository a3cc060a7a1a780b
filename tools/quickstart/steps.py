"""Steps that are done once, and the commands that they stand for."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from mmps.files import write_json

ROOT = Path(__file__).resolve().parents[3]
console = Console()


class Steps:
    """Runs each step once: its result and duration are kept in a file and found there again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = {}

    def run(self, name: str, title: str, work: Callable[[], Any]) -> Any:
        """Do the work, or read what it gave when it was done before."""
        path = self.folder / f'{name}.json'
        console.print(f'[bold]{title}[/]' + (' [dim](done before)[/]' if path.exists() else ''))
        if path.exists():
            record = json.loads(path.read_text())
        else:
            start = time.perf_counter()
            result = work()
            record = {'result': result, 'seconds': round(time.perf_counter() - start, 1)}
            write_json(path, record)
        self.seconds[name] = record['seconds']
        return record['result']


def run_tool(script: str, *arguments: Any) -> None:
    """Run one of our tools as a user would, and stop if it fails."""
    show_command(script, *arguments)
    done = subprocess.run([sys.executable, str(ROOT / script), *map(str, arguments)], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def show_command(script: str, *arguments: Any) -> None:
    """Print the command that does the same."""
    console.print(f'[dim]  python {script} {" ".join(map(str, arguments))}[/]', soft_wrap=True)
