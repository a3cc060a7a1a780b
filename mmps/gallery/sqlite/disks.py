"""Where a gallery file may lie: SQLite's log needs shared memory, which network disks lack."""

from __future__ import annotations

import re
from pathlib import Path

from mmps.structures import DataError

MOUNTS = Path('/proc/self/mountinfo')
"""Where Linux lists its disks; elsewhere nothing is checked."""

NETWORK = re.compile(
    r'nfs\d?|cifs|smb\w*|afs|9p|ceph|lustre|glusterfs|gpfs|beegfs|fuse\.(sshfs|s3fs|gcsfuse|rclone|'
    r'glusterfs|ceph|davfs|mount-s3|juicefs|blobfuse2?)|davfs|ncpfs|pvfs2|orangefs'
)
"""File systems whose files several machines see."""


def refuse_network_disk(path: Path) -> None:
    """Refuse a gallery on a network disk, where two machines could damage it.

    Args:
        path: The file, which need not exist.

    Raises:
        DataError: The disk is one of the network.
    """
    kind = file_system(path)
    if kind and NETWORK.fullmatch(kind):
        raise DataError(
            f'{path} lies on a network disk ({kind}), where a gallery can be damaged: keep it on a '
            'local disk, and copy or merge the file where it is needed'
        )


def file_system(path: Path) -> str | None:
    """Find the kind of the file system of a path, or ``None`` where the system does not list it.

    Args:
        path: Of a file, which need not exist.
    """
    try:
        lines = MOUNTS.read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError:
        return None
    target, best, kind = path.resolve(), -1, None
    for line in lines:
        left, _, right = line.partition(' - ')
        point = Path(_unescaped(left.split(' ')[4]))
        # Of two disks at one place the later one hides the other.
        if target.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), right.split(' ')[0]
    return kind


def _unescaped(text: str) -> str:
    return re.sub(r'\\([0-7]{3})', lambda found: chr(int(found.group(1), 8)), text)
