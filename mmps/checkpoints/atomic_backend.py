from __future__ import annotations

from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from mmps.files import write_atomically

ATOMIC_BACKEND = 'mmps_atomic'
"""Name under which ``backend_args`` choose :class:`AtomicLocalBackend`."""


class AtomicLocalBackend(LocalBackend):
    """Local files that appear whole: MMEngine's own backend writes in place.

    :class:`mmps.engine.hooks.TwoPhaseHook` makes checkpoints use it; elsewhere write
    ``checkpoint=dict(backend_args=dict(backend='mmps_atomic'))``.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes to a file, whose folder is made where it is missing."""
        write_atomically(Path(filepath), obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text to a file, whose folder is made where it is missing."""
        self.put(obj.encode(encoding), filepath)


register_backend(ATOMIC_BACKEND, AtomicLocalBackend, force=True)
