"""From a recipe to a complete folder in an official layout, or none."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from mmps.structures.manifest import MANIFEST

from .drawn_set import draw_all
from .layouts import LAYOUTS
from .recipe import DrawnScene, Recipe
from .worlds import WORLDS

_DRAWING = 1  # changes with every change of the drawing, so that older sets are not reused


def default_size(
    layout: str, images: int | None, identities: int | None, domain: str = 'a'
) -> tuple[int, int]:
    """Complete the size of a set; the default keeps people per image as usual.

    Args:
        layout: Name of the layout.
        images: Number of images, if given.
        identities: Number of identities, if given.
        domain: Name of the domain, which may have its own number of people per image.

    Returns:
        Numbers of images and of identities.
    """
    usual = LAYOUTS[layout]
    rate = WORLDS[domain].crowd.identities
    people, scenes = (usual.identities, usual.images) if rate is None else (rate, 1)
    if images is None:
        images = usual.images if identities is None else max(round(identities * scenes / people), 4)
    if identities is None:
        identities = max(round(images * people / scenes), 2)
    return images, identities


def is_drawn(root: Path, recipe: Recipe) -> bool:
    """Check whether a folder already contains exactly this set.

    Args:
        root: The folder.
        recipe: Recipe of the set.

    Returns:
        Whether nothing needs to be drawn.
    """
    try:
        manifest = json.loads((root / MANIFEST).read_text())
    except (OSError, ValueError):
        return False
    return manifest == _manifest(recipe)


def make(
    root: Path,
    recipe: Recipe,
    workers: int = 1,
    progress: Callable[[Iterable[DrawnScene], int], Iterable[DrawnScene]] | None = None,
) -> list[DrawnScene]:
    """Draw a set into a folder that does not exist yet, or is empty.

    Args:
        root: The folder; it is created once it is complete.
        recipe: Recipe of the set.
        workers: Number of processes that draw; the result does not depend on it.
        progress: Receives an iterable of images and their number; returns the iterable.

    Returns:
        The images with their annotations.

    Raises:
        FileExistsError: The folder is not empty.
        RecipeError: There are too few images for that many identities.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise FileExistsError(
            f'{root} contains something other than this drawn set; name a new folder or empty it'
        )
    layout = LAYOUTS[recipe.layout]
    jobs = layout.plan(recipe)
    root.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f'.{root.name}-', dir=root.parent))
    try:
        drawn = draw_all(recipe, jobs, layout.draw, partial, workers)
        scenes = list(progress(drawn, len(jobs)) if progress else drawn)
        layout.write(partial, scenes, recipe.generator('layout'))
        text = json.dumps(_manifest(recipe), indent=1) + '\n'
        (partial / MANIFEST).write_text(text)
        partial.chmod(0o755)
        os.replace(partial, root)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return scenes


def _manifest(recipe: Recipe) -> dict:
    return {'made_by': 'mmps make_synthetic', 'drawing': _DRAWING, **asdict(recipe)}
