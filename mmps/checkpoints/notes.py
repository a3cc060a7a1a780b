"""The results of a test beside a checkpoint, tied to its weights and its test set."""

from __future__ import annotations

import ast
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.dist import master_only

from mmps.digests import file_digest
from mmps.files import write_json
from mmps.structures import UserError

CALIBRATION = 'calibration.json'
NOTE = 'tested.json'
"""Says what the files beside it were made of; written last, so that it never speaks for others."""


@dataclass(frozen=True)
class CheckpointTest:
    """A test of a checkpoint, about to be run.

    Attributes:
        checkpoint: File of the checkpoint.
        config: Name of the config that it is tested with.
        ann_file: Of the test set, as that config writes it.
    """

    checkpoint: Path
    config: str
    ann_file: str

    @property
    def folder(self) -> Path:
        """Return the folder of the test's files; all checkpoints of a run share a parent folder."""
        return folder_of(self.checkpoint) / self.config

    @master_only
    def begin(self) -> None:
        """Remove what an earlier test left: this one may end before it writes the same."""
        for name in (NOTE, CALIBRATION):
            (self.folder / name).unlink(missing_ok=True)

    @master_only
    def end(self) -> None:
        """Note what was tested, if there is anything to use it for; a bare detector leaves none."""
        if (self.folder / CALIBRATION).is_file():
            note = {'checkpoint': self.checkpoint.name, 'sha256': file_digest(self.checkpoint)}
            note |= {'config': self.config, 'ann_file': self.ann_file}
            write_json(self.folder / NOTE, note)


def folder_of(checkpoint: Path) -> Path:
    """Return the folder of all tests of a checkpoint."""
    return checkpoint.with_name(f'{checkpoint.stem}_tested')


def find_calibration(checkpoint: Path, cfg: str) -> tuple[dict[str, Any] | None, list[str]]:
    """Find the calibration of exactly these weights on the test set of their own config.

    Args:
        checkpoint: File of the checkpoint.
        cfg: Text of the config that it was trained with; it is never executed.

    Returns:
        The newest that fits, and, where none does, why each one that lies there does not.

    Raises:
        UserError: A file is no JSON.
    """
    reasons, own = [], ann_files(cfg)
    notes = sorted(folder_of(checkpoint).glob(f'*/{NOTE}'), key=lambda path: path.stat().st_mtime)
    weights = file_digest(checkpoint) if notes else None
    for path in reversed(notes):
        note = _read(path)
        if note.get('sha256') != weights:
            reasons.append(f'{path.parent} is of other weights')
        elif os.path.normpath(str(note.get('ann_file'))) not in own:
            reasons.append(
                f'{path.parent} is of {note.get("ann_file")}, which is not the test set of the '
                "checkpoint's own config"
            )
        else:
            return _read(path.with_name(CALIBRATION)), []
    stray = checkpoint.with_name(CALIBRATION)
    if stray.exists():
        reasons.append(f'{stray} does not say of which checkpoint it is')
    return None, reasons


def ann_files(cfg: str) -> set[str]:
    """Read from a config's text which annotation files its test is about.

    Those that ``test_evaluator`` names; if it names none, those of ``test_dataloader``.

    Args:
        cfg: As MMEngine writes it into checkpoints. It may come from anywhere: only parsed.
    """
    try:
        statements = ast.parse(cfg).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found: dict[str, set[str]] = {'test_evaluator': set(), 'test_dataloader': set()}
    for statement in statements:
        for target in getattr(statement, 'targets', []):
            if getattr(target, 'id', None) in found:
                found[target.id] |= _ann_files(statement.value)
    return found['test_evaluator'] or found['test_dataloader']


def _ann_files(expression: ast.expr) -> set[str]:
    """Join each ``ann_file`` of an expression with the ``data_root`` beside it."""
    found = set()
    for node in ast.walk(expression):
        fields = _constants(node)
        if isinstance(name := fields.get('ann_file'), str):
            root = fields.get('data_root')
            found.add(os.path.normpath(os.path.join(root if isinstance(root, str) else '', name)))
    return found


def _constants(node: ast.AST) -> dict[Any, Any]:
    """Return the constant values by key of ``{'key': value}`` or ``dict(key=value)``."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(node, ast.Call):
        pairs += [(keyword.arg, keyword.value) for keyword in node.keywords]
    if isinstance(node, ast.Dict):
        keys = [getattr(key, 'value', None) for key in node.keys]
        pairs += list(zip(keys, node.values, strict=True))
    return {key: getattr(value, 'value', None) for key, value in pairs}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f'{path} is no JSON ({error}): evaluate again, or remove it') from error
    if not isinstance(content, dict):
        raise UserError(f'{path} holds something else: evaluate again, or remove it')
    return content
