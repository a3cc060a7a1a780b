"""A folder of a tool's results that a user names, in which nothing of the user's is lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from mmps.files import write_json
from mmps.structures import UserError


class OwnFolder:
    """Knows by a list in the folder what its tool made there.

    Args:
        path: Made where it is missing.
        tool: Name of the tool, and of the list.
    """

    def __init__(self, path: Path, tool: str) -> None:
        self.path, self.tool = path, tool
        self.list = path / f'{tool}_made.json'

    def begin(self, names: Iterable[str], kept: Iterable[str] = ()) -> None:
        """Remove what an earlier call made, and put down what this one is about to make.

        Args:
            names: Of files and folders directly in the folder.
            kept: Those of them that stay, to be used again.

        Raises:
            UserError: One is there that the tool did not make; nothing is removed then.
        """
        names, made = set(names), self.made()
        for name in sorted(names - made):
            if (self.path / name).exists():
                raise UserError(
                    f'{self.path / name} is not known to be made by {self.tool}: move it away, or '
                    'give another --out'
                )
        write_json(self.list, sorted(names | made))
        for name in made - set(kept):
            remove(self.path / name)
        write_json(self.list, sorted(names))

    def made(self) -> set[str]:
        """Read the list; names that would lead out of the folder are none of it."""
        try:
            names = json.loads(self.list.read_text())
        except (OSError, ValueError):
            return set()
        if not isinstance(names, list):
            return set()
        return {
            n for n in names if isinstance(n, str) and n not in ('', '..') and Path(n).name == n
        }


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
