"""Public files, fetched once; a broken download goes on where it stopped."""

from __future__ import annotations

import hashlib
import re
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from torch.hub import get_dir

from mmps.structures import UserError

PIECE = 1 << 20
TIMEOUT = 30.0
"""Seconds without an answer after which a server is given up."""


def local_file(address: str | Path, folder: Path | None = None) -> Path:
    """Get a file that is named by path or by address.

    Args:
        address: A path, or an ``http(s)`` address. A file name that ends in ``-`` and eight
            hexadecimal digits names the beginning of its SHA-256, as OpenMMLab's do; it is checked.
        folder: Where downloads are kept; torch's own folder of checkpoints where left out.

    Returns:
        The path, or that of the downloaded file.

    Raises:
        UserError: The file cannot be fetched, or is another one than its name says.
    """
    text = str(address)
    if '://' not in text:
        return Path(text).expanduser()
    folder = folder or Path(get_dir()) / 'checkpoints'
    target = folder / text.rsplit('/', 1)[-1].split('?', maxsplit=1)[0]
    if target.is_file():
        return target
    part = target.with_name(f'{target.name}.part')
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(text, part)
    except (OSError, ValueError) as error:
        reason = getattr(error, 'reason', None) or error
        raise UserError(
            f'{text} cannot be fetched ({reason}): download it elsewhere and put it at {target}, '
            'or name your own file in the config'
        ) from None
    _check_digest(part, text)
    shutil.move(part, target)
    return target


def _fetch(address: str, part: Path) -> None:
    """Download behind what is there already."""
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(address, headers={'Range': f'bytes={have}-'} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is left behind the last byte
            return
        raise
    with answer, open(part, 'ab' if answer.status == 206 else 'wb') as file:
        expected = answer.headers.get('Content-Length')
        copied = 0
        while piece := answer.read(PIECE):
            file.write(piece)
            copied += len(piece)
    if expected is not None and copied < int(expected):
        raise OSError(f'the connection broke after {copied} of {expected} bytes; try again')


def _check_digest(part: Path, address: str) -> None:
    named = re.search(r'-([0-9a-f]{8})\.\w+$', address)
    if named is None:
        return
    digest = hashlib.sha256(part.read_bytes()).hexdigest()
    if not digest.startswith(named[1]):
        part.unlink()
        raise UserError(
            f'what {address} sent is another file than its name says (SHA-256 {digest[:8]}...): '
            'try again, or check the network'
        )
