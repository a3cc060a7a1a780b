"""How live streams are named."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timezone
from urllib.parse import urlsplit, urlunsplit

SCHEMES = {'rtsp', 'rtsps', 'rtmp', 'rtmps', 'http', 'https', 'udp', 'srt'}
CAMERA = re.compile(r'camera:(\d+)')


def is_stream(text: str) -> bool:
    """Check whether an input names a live stream: an address, or ``camera:0`` for a local camera.

    Args:
        text: As it was given, or the name of a part of it.
    """
    scheme, mark, _ = text.partition('://')
    return scheme.lower() in SCHEMES if mark else is_camera(text.partition('#')[0])


def is_camera(text: str) -> bool:
    """Check whether an input names a camera of this machine."""
    return CAMERA.fullmatch(text) is not None


def opened_by(text: str) -> str | int:
    """Return what OpenCV opens: an address, or the number of a camera."""
    found = CAMERA.fullmatch(text)
    return int(found[1]) if found else text


def shown_address(text: str) -> str:
    """Return an address without user and password, as it is stored and shown.

    Args:
        text: As it was given.
    """
    if is_camera(text):
        return text
    parts = urlsplit(text)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition('@')[2]))


def source_of(address: str, began: float) -> str:
    """Name a part of a stream: its address and when the part began.

    Args:
        address: Without password.
        began: Seconds since 1970.
    """
    moment = datetime.fromtimestamp(began, timezone.utc)
    return f'{address}#{moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}'


def stream_digest(source: str) -> str:
    """Return the digest of a part of a stream.

    There is no content to hash before it is over, and nobody can read it again: the name, which
    holds address and time, stands for it.

    Args:
        source: Name of the part.
    """
    return f'stream-{hashlib.sha256(source.encode()).hexdigest()}'
