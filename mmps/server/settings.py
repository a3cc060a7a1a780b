"""What a server allows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmps.gallery.audit import AuditLog


@dataclass(frozen=True)
class Settings:
    """Who may ask, and how much.

    Attributes:
        token: Everybody must know it; ``None`` lets in who reaches the server.
        hosts: Names under which the server is reached, without port; other names are refused, so
            that a foreign page cannot reach it by a name of its own (DNS rebinding).
        audit: Log to which each search is written before it is answered, if any.
        uploads: Folder where added images are kept; ``None`` where a gallery is only read.
        max_bytes: Largest body of a request with images.
        max_json_bytes: Largest body of another request.
        max_pixels: Largest image.
        body_seconds: Time in which the body of a request must be here.
        decode_seconds: Time after which the process that decodes an upload is killed.
        answer_seconds: Time after which a request that waits for its turn is sent away.
        rate: Requests a second from one address on average; 0 for any number.
        burst: Requests from one address at once.
        max_requests: Requests that are answered at one time.
        scene_bytes: Memory for decoded scenes.
    """

    token: str | None = None
    hosts: frozenset[str] = frozenset({'localhost', '127.0.0.1', '::1'})
    audit: AuditLog | None = None
    uploads: Path | None = None
    max_bytes: int = 20 * 2**20
    max_json_bytes: int = 2**20
    max_pixels: int = 50_000_000
    body_seconds: float = 60.0
    decode_seconds: float = 10.0
    answer_seconds: float = 60.0
    rate: float = 50.0
    burst: int = 300
    max_requests: int = 128
    scene_bytes: int = 256 * 2**20
