"""From a recipe to a folder in an official layout: all of it, or nothing."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from .drawn_set import DrawnScene, Recipe, draw_all
from .layouts import LAYOUTS

MANIFEST = 'synthetic.json'
"""Says that a folder is drawn, and from which recipe."""

_DRAWING = 1  # changes with every change of the drawing, so that older sets are not reused


def default_size(layout: str, images: int | None, identities: int | None) -> tuple[int, int]:
    """Complete the size of a set: what is not given keeps the layout's people per picture.

    Args:
        layout: Name of the layout.
        images: Number of pictures, if given.
        identities: Number of identities, if given.

    Returns:
        Numbers of pictures and of identities.
    """
    usual = LAYOUTS[layout]
    if images is None and identities is None:
        return usual.images, usual.identities
    if images is None:
        return max(round(identities * usual.images / usual.identities), 4), identities
    if identities is None:
        return images, max(round(images * usual.identities / usual.images), 2)
    return images, identities


def is_drawn(root: Path, recipe: Recipe) -> bool:
    """Tell whether a folder already holds exactly this set.

    Args:
        root: The folder.
        recipe: What decides the set.

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
        root: The folder; it appears when everything is in it.
        recipe: What decides the set.
        workers: How many processes draw; the result does not depend on it.
        progress: Called with the pictures as they come and their number; hands them on.

    Returns:
        The pictures, with everything that is annotated.

    Raises:
        FileExistsError: If the folder holds something already.
        RecipeError: If there are too few pictures for that many identities.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise FileExistsError(
            f'{root} holds something else than this drawn set; name a new folder or empty it'
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
