"""Camera and start time of a source: from options, from its name, or from a table."""

from __future__ import annotations

import csv
import fnmatch
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mmps.structures import DataError

DIRECTIVES = {
    'Y': r'\d{4}', 'y': r'\d{2}', 'm': r'\d{2}', 'd': r'\d{2}', 'H': r'\d{2}', 'M': r'\d{2}',
    'S': r'\d{2}', 'f': r'\d{1,6}', 'j': r'\d{3}', 'z': r'(?:Z|[+-]\d{2}:?\d{2})', '%': '%',
}  # fmt: skip
"""What the directives of a time in a file's name stand for."""

PART = re.compile(r'\{camera\}|\{start:([^{}]+)\}|\*+|\?|[^{*?]+|[{]')
TABLE = ('source', 'camera', 'start')


@dataclass(frozen=True)
class Place:
    """Where and when a source was recorded.

    Attributes:
        camera: Name, or an empty text where unknown.
        start: Seconds since 1970 of its first frame, or ``None`` where unknown.
    """

    camera: str = ''
    start: float | None = None


@dataclass(frozen=True)
class Places:
    """Finds the place of each source; what an option says comes before names and tables.

    Attributes:
        camera: Of all sources, where it is given.
        start: Of all sources, where it is given.
        pattern: Of names, such as ``{camera}/{start:%Y-%m-%d_%H-%M-%S}*.mp4``.
        table: Pairs of a source (path, file name, or pattern with ``*``) and its place; the first
            that fits holds.
    """

    camera: str | None = None
    start: float | None = None
    pattern: str | None = None
    table: tuple[tuple[str, Place], ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls, camera: str | None = None, start: float | None = None, names: str | None = None
    ) -> Places:
        """Read a pattern, or a table from a CSV file.

        Args:
            camera: Of all sources, where it is given.
            start: Of all sources, where it is given.
            names: A pattern of names that holds ``{camera}`` or ``{start:...}``, or the path of a
                CSV file with the columns ``source``, ``camera`` and ``start``.

        Raises:
            DataError: The file cannot be read, or the text is neither.
        """
        if names is None:
            return cls(camera, start)
        if names.lower().endswith('.csv') and '{' not in names:
            return cls(camera, start, table=tuple(_read_table(Path(names))))
        _regular(names)
        return cls(camera, start, pattern=names)

    def __call__(self, source: str) -> Place:
        """Find the place of a source.

        Args:
            source: Its path.

        Raises:
            DataError: Its name holds a time that is none.
        """
        found = self._from_name(source) if self.pattern else self._from_table(source)
        return Place(
            found.camera if self.camera is None else self.camera,
            found.start if self.start is None else self.start,
        )

    def _from_name(self, source: str) -> Place:
        expression, times = _regular(self.pattern)
        # A pattern describes the end of a path, as far as it goes.
        found = re.search(f'(?:^|/){expression}$', source.replace(os.sep, '/'))
        if found is None:
            return Place()
        groups = found.groupdict()
        start = None
        if times:
            start = _strptime(groups['start'], times, source)
        return Place(groups.get('camera') or '', start)

    def _from_table(self, source: str) -> Place:
        path = source.replace(os.sep, '/')
        for name, place in self.table:
            if name in (path, os.path.basename(path)) or fnmatch.fnmatchcase(path, name):
                return place
        return Place()


def parse_time(text: str) -> float:
    """Read a time: ISO 8601, in the local zone where it names none, or seconds since 1970.

    Args:
        text: Such as ``2026-11-27T08:30:00``, ``2026-11-27 08:30+01:00`` or ``1795767000``.

    Returns:
        Seconds since 1970.

    Raises:
        DataError: It is no time.
    """
    try:
        return float(text)
    except ValueError:
        pass
    try:
        iso = re.sub(r'[Zz]$', '+00:00', text.strip())
        # Python 3.10 knows fractions of three or six digits alone.
        iso = re.sub(r'\.(\d{1,6})', lambda found: f'.{found[1]:0<6}', iso)
        return datetime.fromisoformat(iso).timestamp()
    except (ValueError, OverflowError, OSError):
        raise DataError(
            f'{text!r} is no time: write 2026-11-27T08:30:00, with +01:00 behind it for a zone '
            'other than this machine has, or seconds since 1970'
        ) from None


def _regular(pattern: str) -> tuple[str, str | None]:
    """Translate a pattern of names; return the regular expression and the form of the time."""
    if '{camera}' not in pattern and '{start:' not in pattern:
        raise DataError(
            f'{pattern!r} is neither a CSV file nor a pattern with {{camera}} or '
            '{start:%Y-%m-%d_%H-%M-%S}'
        )
    expression, times = '', None
    for part in PART.finditer(pattern):
        text = part[0]
        if text == '{camera}':
            expression += r'(?P<camera>[^/]+?)' if '<camera>' not in expression else '(?P=camera)'
        elif part[1]:
            if times:
                raise DataError(f'{pattern!r} holds two times')
            times = part[1]
            expression += f'(?P<start>{_time_expression(times, pattern)})'
        elif text == '{':
            raise DataError(f'{pattern!r}: only {{camera}} and {{start:...}} may stand in braces')
        else:
            wild = {'**': '.*', '*': '[^/]*', '?': '[^/]'}
            expression += wild.get(text, re.escape(text))
    return expression, times


def _time_expression(form: str, pattern: str) -> str:
    def directive(found: re.Match) -> str:
        if found[1] not in DIRECTIVES:
            raise DataError(f'{pattern!r}: %{found[1]} is not known; use %Y %m %d %H %M %S %f %z')
        return DIRECTIVES[found[1]]

    return re.sub(r'%(.)|[^%]+', lambda f: directive(f) if f[1] else re.escape(f[0]), form)


def _strptime(text: str, form: str, source: str) -> float:
    try:
        return datetime.strptime(text, form).timestamp()
    except (ValueError, OverflowError, OSError):
        raise DataError(f'{source}: {text!r} in its name is no time of the form {form}') from None


def _read_table(path: Path) -> Iterator[tuple[str, Place]]:
    try:
        text = path.read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f'{path} cannot be read as a CSV file: {error}') from None
    lines = list(csv.DictReader(text.splitlines()))
    if not lines or not lines[0].get('source') or not {*lines[0]} & {*TABLE[1:]}:
        raise DataError(f'{path} needs a line of names: source, and camera or start or both')
    for number, line in enumerate(lines, start=2):
        try:
            start = parse_time(line['start']) if line.get('start') else None
        except DataError as error:
            raise DataError(f'{path}, line {number}: {error}') from None
        yield (line['source'] or '').strip(), Place((line.get('camera') or '').strip(), start)
