"""A query beside the people that a search ranked first, as one sheet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from mmps.images import read_image

from .figures import INK, MUTED, new_figure

RIGHT, WRONG, UNKNOWN = 'right', 'wrong', 'unknown'
FRAMES = {RIGHT: '#16a34a', WRONG: '#dc2626', UNKNOWN: '#9ca3af'}
MARKS = {RIGHT: '\N{CHECK MARK}', WRONG: '\N{BALLOT X}', UNKNOWN: '?'}
QUERY_FRAME = '#2563eb'
CROP_HEIGHT, CROP_WIDTH = 256, 128
CROP_MARGIN = 1.08
SCENE_ASPECT = 4 / 3
MEANINGS = {
    RIGHT: 'same person',
    WRONG: 'another person',
    UNKNOWN: 'person without label, or nobody',
}
RIGHT_MARGIN = 0.05
"""Inches beside the last column."""
WIDTH, NARROWEST_CROP = 9.0, 0.6
"""Inches of the sheet, and below which a crop shows too little: then the sheet is wider."""


@dataclass(frozen=True)
class Hit:
    """One box of the gallery that a search found similar.

    Attributes:
        image_path: The gallery image.
        box: ``(4,)`` xyxy in its pixels.
        score: Similarity to the query.
        match: ``right`` (the same person), ``wrong`` (another one) or ``unknown`` (a person
            without identity, or no annotated person at all).
        caption: Text below the crop, such as the camera.
    """

    image_path: Path
    box: np.ndarray
    score: float
    match: str
    caption: str = ''


@dataclass(frozen=True)
class RankedList:
    """One query and its best hits.

    Attributes:
        image_path: The query's image.
        box: ``(4,)`` xyxy in its pixels.
        hits: Most similar first.
        title: Text above the query.
        caption: Text below the query.
    """

    image_path: Path
    box: np.ndarray
    hits: Sequence[Hit]
    title: str = 'query'
    caption: str = ''


def draw_ranked_lists(lists: Sequence[RankedList]) -> Figure:
    """Draw one row per query: its scene, then its hits as framed crops.

    Green frames are the right person, red ones another person, grey ones nobody known.

    Args:
        lists: At least one; rows may differ in length.

    Raises:
        ValueError: If there is no list, or an image cannot be read.
    """
    if not lists:
        raise ValueError('there is no ranked list to draw: choose at least one query')
    scene_width = SCENE_ASPECT * CROP_HEIGHT / CROP_WIDTH
    crops = 1 + max(len(ranked.hits) for ranked in lists)
    # A short list does not get crops that fill the page.
    unit = max(WIDTH / (scene_width + max(crops, 6)), NARROWEST_CROP)
    height = unit * CROP_HEIGHT / CROP_WIDTH + 0.45
    width = unit * (scene_width + crops)
    figure = new_figure(width, height * len(lists) + 0.3)
    # The layout does not count that frames are drawn half outside of their axes.
    inside = (0, 0, 1 - RIGHT_MARGIN / width, 1)
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.01, hspace=0.01, rect=inside)
    grid = figure.add_gridspec(len(lists), 1 + crops, width_ratios=[scene_width, *[1] * crops])
    for row, ranked in enumerate(lists):
        _draw_scene(figure.add_subplot(grid[row, 0]), ranked)
        _draw_query(figure.add_subplot(grid[row, 1]), ranked)
        for column, hit in enumerate(ranked.hits):
            _draw_hit(figure.add_subplot(grid[row, column + 2]), hit, rank=column + 1)
    _draw_legend(figure, {hit.match for ranked in lists for hit in ranked.hits})
    return figure


def crop_person(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Cut a person out, upright and undistorted, with what surrounds the box.

    Args:
        image: ``(H, W, 3)``.
        box: ``(4,)`` xyxy in pixels; widened or heightened to the shape of the crop.

    Returns:
        ``(256, 128, 3)``, of the image's type.
    """
    x1, y1, x2, y2 = (float(value) for value in box)
    height = CROP_MARGIN * max(y2 - y1, (x2 - x1) * CROP_HEIGHT / CROP_WIDTH, 1.0)
    scale = CROP_HEIGHT / height
    left = (x1 + x2) / 2 - CROP_WIDTH / (2 * scale)
    top = (y1 + y2) / 2 - height / 2
    # Half a pixel: OpenCV's coordinates count from the middle of the first pixel.
    shift = [(0.5 - left) * scale - 0.5, (0.5 - top) * scale - 0.5]
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    return cv2.warpAffine(
        image, matrix, (CROP_WIDTH, CROP_HEIGHT), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=(243, 244, 246),
    )  # fmt: skip


def _read_rgb(path: Path) -> np.ndarray:
    return cv2.cvtColor(read_image(path), cv2.COLOR_BGR2RGB)


def _draw_scene(axes: Axes, ranked: RankedList) -> None:
    scene, box = _scene_around(_read_rgb(ranked.image_path), ranked.box)
    axes.imshow(scene)
    axes.set_axis_off()
    box = np.clip(box, 0, np.tile(scene.shape[1::-1], 2) - 1)
    _frame(axes, box, 'white', width=3)
    _frame(axes, box, QUERY_FRAME, width=1.6)
    axes.set_title(ranked.title, fontsize=9, color=QUERY_FRAME, fontweight='bold', pad=4)
    _caption(axes, ranked.image_path.stem, ranked.caption)


def _draw_query(axes: Axes, ranked: RankedList) -> None:
    _draw_crop(axes, _read_rgb(ranked.image_path), ranked.box, QUERY_FRAME)
    axes.set_title('query', fontsize=9, color=QUERY_FRAME, fontweight='bold', pad=4)


def _draw_hit(axes: Axes, hit: Hit, rank: int) -> None:
    colour = FRAMES[hit.match]
    _draw_crop(axes, _read_rgb(hit.image_path), hit.box, colour)
    axes.set_title(f'{rank}  {MARKS[hit.match]} {hit.score:.2f}', fontsize=8.5, color=colour, pad=4)
    _caption(axes, hit.image_path.stem, hit.caption)


def _draw_crop(axes: Axes, image: np.ndarray, box: np.ndarray, colour: str) -> None:
    axes.imshow(crop_person(image, box))
    axes.set_axis_off()
    _frame(axes, np.array([0, 0, CROP_WIDTH, CROP_HEIGHT]) - 0.5, colour, width=3.5)


def _frame(axes: Axes, box: np.ndarray, colour: str, width: float) -> None:
    x1, y1, x2, y2 = box
    sides = (x2 - x1, y2 - y1)
    axes.add_patch(Rectangle((x1, y1), *sides, fill=False, ec=colour, lw=width, clip_on=False))


def _caption(axes: Axes, *lines: str) -> None:
    text = '\n'.join(_shorten(line) for line in lines if line)
    style = {'ha': 'center', 'va': 'top', 'fontsize': 7, 'color': MUTED}
    axes.text(0.5, -0.035, text, transform=axes.transAxes, **style)


def _shorten(text: str, length: int = 13) -> str:
    return text if len(text) <= length else '\N{HORIZONTAL ELLIPSIS}' + text[1 - length :]


def _scene_around(image: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut the scene to one shape for all rows, around the box where it is larger than that."""
    height, width = image.shape[:2]
    cut_height = min(height, width / SCENE_ASPECT)
    cut_width = cut_height * SCENE_ASPECT
    x1, y1, x2, y2 = (float(value) for value in box)
    left = int(np.clip((x1 + x2 - cut_width) / 2, 0, width - cut_width))
    top = int(np.clip((y1 + y2 - cut_height) / 2, 0, height - cut_height))
    scene = image[top : top + int(cut_height), left : left + int(cut_width)]
    return scene, np.array([x1 - left, y1 - top, x2 - left, y2 - top])


def _draw_legend(figure: Figure, matches: Collection[str]) -> None:
    """Explain the frames that occur, and the line above a hit."""
    entries = {'query': QUERY_FRAME}
    for match, meaning in MEANINGS.items():
        if match in matches:
            entries[f'{MARKS[match]} {meaning}'] = FRAMES[match]
    handles = [Rectangle((0, 0), 1, 1, fill=False, ec=c, lw=2.2) for c in entries.values()]
    figure.legend(
        [*handles, Line2D([], [], linestyle='')], [*entries, 'above a hit: rank, similarity'],
        loc='outside lower center', ncols=len(entries) + 1, frameon=False, fontsize=8.5,
        labelcolor=INK, handlelength=1, handleheight=1, columnspacing=1.4, handletextpad=0.5,
    )  # fmt: skip
