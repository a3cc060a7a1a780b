"""The paper's tables: which systems stand in their rows, and what their columns show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mmps import paper
from mmps.structures import ConfigError

MORE = '+'
"""In the name of training data: with as many further images of the same data set's kind."""

VARIANTS = ('J2', 'J3', 'J4')
BASELINE = 'Disj.'


@dataclass(frozen=True)
class System:
    """What is trained.

    Attributes:
        variant: J2, J3, J4 or Disj.
        detection: Data sets of phase 1, by letter. A ``+`` adds further images of the same domain,
            as many as the data sets that it stands for; see :data:`EXTRA`.
        reid: Data set whose identities phase 2 learns.
    """

    variant: str
    detection: str
    reid: str

    @property
    def name(self) -> str:
        """Name in steps and folders."""
        variant = self.variant.lower().rstrip('.')
        return f'{variant}_{spelled(self.detection)}_{self.reid}'


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        name: As in the paper.
        systems: The tested system, by letter of the test set.
        control: Whether the row is ours, to compare with, and not the paper's.
    """

    name: str
    systems: Mapping[str, System]
    control: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: Above the column.
        keys: One number or several with a slash between them, ``TEST SET/METRIC`` each.
    """

    heading: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    Attributes:
        name: Such as ``table1d``.
        title: Description.
        rows: Rows in the paper's order, then controls.
        columns: Columns in the paper's order, then ours.
        paper: The paper's numbers in percent, by row and key.
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    paper: paper.Numbers = field(default_factory=dict)

    @property
    def tests(self) -> list[tuple[System, str]]:
        """List what is tested on what, each once."""
        found = [(row.systems[on], on) for row in self.rows for on in row.systems]
        return list(dict.fromkeys(found))


EXTRA = {'c': 'mwp', 'p': 'mw'}
"""Data sets that aggregation adds to one, and in whose number of images a control adds more."""


def spelled(detection: str) -> str:
    """Spell training data for names of files."""
    return detection.replace(MORE, '-more')


def parts(detection: str) -> list[str]:
    """Split training data: ``mw`` to ``m`` and ``w``, ``c+`` to ``c`` and the further images."""
    letters = [letter for letter in detection if letter != MORE]
    return [*letters, detection] if MORE in detection else letters


def in_words(detection: str) -> str:
    """Describe training data for people."""
    words = '+'.join(letter for letter in detection if letter != MORE)
    return f'{words} and more images like it' if MORE in detection else words


def table(name: str, controls: bool = True) -> Table:
    """Return a table by its name.

    Args:
        name: One of :data:`TABLES`.
        controls: Whether rows of more data of the same domain are added, which only drawn data has.

    Raises:
        ConfigError: There is no such table.
    """
    if name not in TABLES:
        raise ConfigError(f'{name} is none of {", ".join(TABLES)}')
    return TABLES[name](controls)


def _sizes(name: str, gt: str = '') -> tuple[str, str]:
    return (f'c/{gt}small/{name}', f'c/{gt}large/{name}')


def _search_columns(gt: bool) -> tuple[Column, ...]:
    boxes = ('', 'gt/') if gt else ('',)
    return tuple(
        Column(f'{heading}{", GT boxes" if b else ""}', _sizes(key, b))
        for b in boxes
        for heading, key in (('mAP', 'mAP'), ('top-1', 'top1'))
    )


def _table_1a(controls: bool) -> Table:
    del controls
    rows = tuple(
        Row(v, {on: System(v, 'mwcp', on) for on in ('p', 'c')}) for v in (BASELINE, *VARIANTS)
    )
    ours = {row.name for row in rows}
    rows += tuple(Row(name, {}) for name in paper.TABLE_1A if name not in ours)
    columns = (
        Column('PRW: mAP', ('p/bpi5/mAP',)),
        Column('PRW: top-1', ('p/bpi5/top1',)),
        Column('CUHK-SYSU: mAP', _sizes('mAP')),
        Column('CUHK-SYSU: top-1', _sizes('top1')),
        Column('PRW: mAP, GT boxes', ('p/gt/mAP',)),
        Column('CUHK-SYSU: mAP, GT boxes', _sizes('mAP', 'gt/')),
    )
    return Table('table1a', 'Table 1a: shared backbone size', rows, columns, paper.TABLE_1A)


def _table_1c(controls: bool) -> Table:
    data = {'p': 'p', 'mwp': 'mwp', **({'p+': 'p+'} if controls else {})}
    rows = tuple(
        Row(f'{v}_{name}', dict.fromkeys('cp', System(v, detection, 'p')), MORE in detection)
        for v in VARIANTS
        for name, detection in data.items()
    )
    columns = (
        *_search_columns(gt=True),
        Column('detector AP on CUHK-SYSU', ('c/det/AP',)),
        Column('detector AP on PRW', ('p/det/AP',)),
    )
    title = 'Table 1c: trained on PRW, tested on CUHK-SYSU'
    return Table('table1c', title, rows, columns, paper.TABLE_1C)


def _table_1d(controls: bool) -> Table:
    data = {'_c': 'c', '': 'mwcp', **({'_c+': 'c+'} if controls else {})}
    rows = tuple(
        Row(f'{v}{name}', {'c': System(v, detection, 'c')}, MORE in detection)
        for v in VARIANTS
        for name, detection in data.items()
    )
    columns = (*_search_columns(gt=True), Column('detector AP', ('c/det/AP',)))
    title = 'Table 1d: aggregated detection data, tested on CUHK-SYSU'
    return Table('table1d', title, rows, columns, paper.TABLE_1D)


TABLES = {'table1a': _table_1a, 'table1c': _table_1c, 'table1d': _table_1d}
"""Tables of accuracy, by name."""

SPEED = 'table1b'
"""The table of speed, which :mod:`mmps.reproduction.speed` measures."""
