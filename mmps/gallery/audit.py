"""A log of who searched for whom, one line of JSON for each search."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mmps.digests import file_digest
from mmps.structures import DataError

from .rows import Where

VARIABLE = 'MMPS_AUDIT_LOG'
"""Environment variable that names the log where no option does."""


class AuditLog:
    """A file to which each search appends a line before anybody sees its hits.

    Args:
        path: Of the file; it is made where it is missing.

    Raises:
        DataError: It cannot be written; whoever asks for a log does not search without.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._append(b'')

    @classmethod
    def of(cls, path: str | Path | None) -> AuditLog | None:
        """Open the log that an option or the environment names, if any.

        Args:
            path: From an option.
        """
        named = path or os.environ.get(VARIABLE)
        return cls(named) if named else None

    def record_search(
        self,
        gallery: str,
        query: Sequence[dict[str, Any]],
        where: Where,
        ids: Sequence[str],
        purpose: str | None = None,
        user: str | None = None,
    ) -> None:
        """Write down a search.

        Args:
            gallery: Path or address of what was searched.
            query: ``image`` and ``box`` of each image of the person; of a file the digest is added,
                so that it can be recognised.
            where: Conditions of the search.
            ids: Public ids of the hits.
            purpose: Why, as the person who searches says.
            user: Who searches; the user of this process where left out.

        Raises:
            DataError: The log cannot be written.
        """
        conditions = {key: value for key, value in asdict(where).items() if value is not None}
        entry = {
            'time': datetime.now(timezone.utc).isoformat(timespec='milliseconds'),
            'action': 'search',
            'user': user or _user(),
            'host': socket.gethostname(),
            'purpose': purpose,
            'gallery': str(gallery),
            'query': [{**image, 'sha256': _digest(image.get('image'))} for image in query],
            'conditions': conditions,
            'hits': [str(public) for public in ids],
        }
        self._append(json.dumps(entry, ensure_ascii=False, default=str).encode() + b'\n')

    def _append(self, line: bytes) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # One write behind the end: lines of several processes do not mix.
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, line)
                if line:
                    os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise DataError(
                f'the audit log {self.path} cannot be written ({error.strerror}), so nothing is '
                'searched: name another file'
            ) from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without names
        return str(os.getuid()) if hasattr(os, 'getuid') else 'unknown'


def _digest(path: object) -> str | None:
    return file_digest(path) if isinstance(path, str | Path) and Path(path).is_file() else None
