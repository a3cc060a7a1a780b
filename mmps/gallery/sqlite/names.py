"""Texts that many rows share, kept once and known by number."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np


class Names:
    """The texts of one table, and their numbers.

    Args:
        connection: To the gallery's file.
        table: Has a column ``id``.
        column: Of the texts.
    """

    def __init__(self, connection: sqlite3.Connection, table: str, column: str) -> None:
        self._connection = connection
        self._table, self._column = table, column
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def forget(self) -> None:
        """Read all again when next asked: numbers may have been undone."""
        self._numbers.clear()
        self._names.clear()

    def numbers(self, names: Sequence[str], make: bool = False) -> np.ndarray:
        """Get the numbers of texts.

        Args:
            names: All known, unless they are made.
            make: Whether unknown ones get a number.
        """
        distinct = dict.fromkeys(names)
        if not all(name in self._numbers for name in distinct):
            self._read()
        for name in distinct:
            if make and name not in self._numbers:
                statement = f'INSERT INTO {self._table}({self._column}) VALUES (?)'
                self._learn(self._connection.execute(statement, (name,)).lastrowid, name)
        return np.array([self._numbers[name] for name in names], dtype=np.int64)

    def known(self, names: Sequence[str]) -> list[int]:
        """Get the numbers of those texts that have one."""
        self._read()
        return [self._numbers[name] for name in names if name in self._numbers]

    def names(self, numbers: np.ndarray) -> list[str]:
        """Get the texts of numbers; one that is gone since is empty."""
        if not all(number in self._names for number in np.unique(numbers).tolist()):
            self._read()
        return [self._names.get(number, '') for number in numbers.tolist()]

    def _read(self) -> None:
        self.forget()
        statement = f'SELECT id, {self._column} FROM {self._table}'
        for number, name in self._connection.execute(statement):
            self._learn(number, name)

    def _learn(self, number: int, name: str) -> None:
        self._numbers[name] = number
        self._names[number] = name
