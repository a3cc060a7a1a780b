"""Check that tests show people at the size at which phase 2 learns them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.logging import MMLogger


def warn_of_sizes(config: Config) -> None:
    """Warn if the images of phase 2 and of tests are resized differently.

    Args:
        config: Config of the run.
    """
    learned, tested = (
        set(_scales(config.get(key) or {})) for key in ('cached_people', 'test_dataloader')
    )
    if learned and tested and learned != tested:
        MMLogger.get_current_instance().warning(
            'Phase 2 learns from images at scale %s (cached_people), tests see them at %s '
            '(test_dataloader): set `scale` in both pipelines, and val_dataloader, to the same',
            ', '.join(sorted(learned)), ', '.join(sorted(tested)),
        )  # fmt: skip


def _scales(node: Any) -> Iterator[str]:
    """Collect all values of ``scale`` in a config."""
    if isinstance(node, dict) and 'scale' in node:
        scale = node['scale']
        yield str(tuple(scale) if isinstance(scale, list) else scale)
    parts = node.values() if isinstance(node, dict) else node
    for part in parts if isinstance(node, dict | list | tuple) else ():
        yield from _scales(part)
