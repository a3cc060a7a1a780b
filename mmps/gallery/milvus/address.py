"""Addresses of galleries on a Milvus server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from mmps.structures import DataError

NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_]{0,200}')


@dataclass(frozen=True)
class Address:
    """Where a gallery is.

    Attributes:
        server: Address of the server, without user and password.
        token: ``user:password``, or an empty text.
        name: Of the gallery: the collection of its people.
        index: Name of the index of a new gallery, such as ``HNSW``; ``FLAT`` compares everybody.
        shown: The address without its password, for messages.
    """

    server: str
    token: str = field(repr=False)
    name: str
    index: str
    shown: str

    @classmethod
    def of(cls, text: str) -> Address:
        """Read an address.

        Args:
            text: ``milvus+http://host:19530/NAME``, perhaps with ``user:password@`` before the
                host, and ``?index=HNSW`` behind the name.

        Raises:
            DataError: The name of the gallery is none.
        """
        parts = urlsplit(text)
        name = parts.path.strip('/')
        if not NAME.fullmatch(name):
            raise DataError(
                f'{name!r} is no name of a gallery: write milvus+http://host:19530/NAME, with '
                'letters, digits and underscores'
            )
        user, at, host = parts.netloc.rpartition('@')
        server = urlunsplit((parts.scheme.removeprefix('milvus+'), host, '', '', ''))
        shown = urlunsplit(parts._replace(netloc=f'{user.partition(":")[0]}{at}{host}'))
        index = dict(parse_qsl(parts.query)).get('index', 'FLAT').upper()
        return cls(server, unquote(user), name, index, shown)
