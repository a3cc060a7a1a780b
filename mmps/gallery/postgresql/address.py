"""Addresses of galleries on a PostgreSQL server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from mmps.structures import DataError

DEFAULT_NAME = 'mmps'
NAME = re.compile(r'[a-z_][a-z0-9_]{0,62}')


@dataclass(frozen=True)
class Address:
    """Where a gallery is.

    Attributes:
        connection: What libpq connects to, with a password where the address has one.
        name: Of the gallery: a schema of the database.
        shown: The address without its password, for messages.
    """

    connection: str = field(repr=False)
    name: str
    shown: str

    @classmethod
    def of(cls, text: str) -> Address:
        """Read an address.

        Args:
            text: Such as ``postgresql://user@host:5432/database?gallery=NAME``, with any further
                parameters of libpq.

        Raises:
            DataError: The name of the gallery is none.
        """
        parts = urlsplit(text)
        query = parse_qsl(parts.query, keep_blank_values=True)
        names = [value for key, value in query if key == 'gallery']
        name = names[-1] if names else DEFAULT_NAME
        if not NAME.fullmatch(name):
            raise DataError(
                f'{name!r} is no name of a gallery: take lower-case letters, digits and underscores'
            )
        further = [(key, value) for key, value in query if key != 'gallery']
        public = [(key, value) for key, value in query if key not in ('password', 'sslpassword')]
        user, at, host = parts.netloc.rpartition('@')
        open_netloc = f'{user.partition(":")[0]}{at}{host}'
        return cls(
            urlunsplit(parts._replace(query=_joined(further))),
            name,
            urlunsplit(parts._replace(netloc=open_netloc, query=_joined(public))),
        )


def _joined(pairs: list[tuple[str, str]]) -> str:
    # libpq reads a plus sign as it stands.
    return urlencode(pairs, quote_via=quote, safe='/')
