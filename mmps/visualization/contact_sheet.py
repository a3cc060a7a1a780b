"""A search on one sheet: the person who is searched, and the hits with place and time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from mmps.files import atomic_file

from .figures import GRID, INK, MUTED

WIDTH, MARGIN, COLUMNS = 1640, 40, 4
SCENE_HEIGHT, CROP_WIDTH = 230, 116
BOX, CARD = '#d97706', '#ffffff'
PAPER = '#f8fafc'
LINE = 22

Hit = dict[str, Any]
"""A hit as ``mmps search --json`` writes it."""


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Load matplotlib's own typeface, which is there on every system.

    Args:
        size: Height in pixels.
        bold: Whether letters are thick.
    """
    weight = 'bold' if bold else 'normal'
    return ImageFont.truetype(font_manager.findfont(f'DejaVu Sans:weight={weight}'), size)


def draw_sheet(
    queries: Sequence[tuple[np.ndarray, Sequence[float]]],
    hits: Sequence[tuple[Hit, np.ndarray | None]],
    captions: Sequence[Sequence[str]],
    title: str,
) -> Image.Image:
    """Draw queries above their hits.

    Args:
        queries: Image ``(H, W, 3)`` uint8 BGR and box xyxy of each.
        hits: With their scenes; ``None`` where the file is gone.
        captions: Lines of text below each hit.
        title: Above all.
    """
    inner = WIDTH - 2 * MARGIN
    width = (inner - (COLUMNS - 1) * 20) // COLUMNS
    lines = max((len(text) for text in captions), default=0)
    card_height = SCENE_HEIGHT + 24 + lines * LINE
    rows = -(-len(hits) // COLUMNS)
    top = MARGIN + 54 + SCENE_HEIGHT + 40
    sheet = Image.new('RGB', (WIDTH, top + rows * (card_height + 20) + MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN), title, INK, font(26, bold=True))
    left = MARGIN
    for image, box in queries[:COLUMNS]:
        panel = scene_and_crop(image, box, width, '#2563eb')
        sheet.paste(panel, (left, MARGIN + 54))
        left += width + 20
    for i, ((_, scene), text, hit) in enumerate(
        zip(hits, captions, (hit for hit, _ in hits), strict=True)
    ):
        row, column = divmod(i, COLUMNS)
        x, y = MARGIN + column * (width + 20), top + row * (card_height + 20)
        draw.rounded_rectangle((x - 6, y - 6, x + width + 6, y + card_height), 8, CARD, GRID)
        if scene is None:
            draw.text((x + 12, y + SCENE_HEIGHT // 2), 'the file is gone', MUTED, font(15))
        else:
            sheet.paste(scene_and_crop(scene, hit['box'], width, BOX), (x, y))
        for number, line in enumerate(text):
            style = font(16, bold=True) if number == 0 else font(14)
            colour = INK if number == 0 else MUTED
            place = (x + 4, y + SCENE_HEIGHT + 10 + number * LINE)
            draw.text(place, shortened(line, style, width - 8), colour, style)
    return sheet


def scene_and_crop(image: np.ndarray, box: Sequence[float], width: int, colour: str) -> Image.Image:
    """Put a person's crop beside the scene with the box.

    Args:
        image: ``(H, W, 3)`` uint8 BGR.
        box: Box as xyxy in its pixels.
        width: Of both together, in pixels.
        colour: Of the box.
    """
    panel = Image.new('RGB', (width, SCENE_HEIGHT), CARD)
    panel.paste(fitted(crop_of(image, box), CROP_WIDTH, SCENE_HEIGHT), (0, 0))
    room = (width - CROP_WIDTH - 8, SCENE_HEIGHT)
    scene = Image.fromarray(image[..., ::-1].copy())
    left, top = CROP_WIDTH + 8, 0
    panel.paste(fitted(scene, *room), (left, top))
    scale = min(room[0] / scene.width, room[1] / scene.height)
    left += (room[0] - round(scene.width * scale)) // 2
    top += (room[1] - round(scene.height * scale)) // 2
    # Drawn after the image is scaled, so that the line is as thick in every scene.
    corners = [scale * float(v) + shift for v, shift in zip(box, (left, top) * 2, strict=True)]
    ImageDraw.Draw(panel).rectangle(corners, outline=colour, width=3)
    return panel


def crop_of(image: np.ndarray, box: Sequence[float]) -> Image.Image:
    """Cut a person out, at least one pixel of the image.

    Args:
        image: ``(H, W, 3)`` uint8 BGR.
        box: Box as xyxy in its pixels.
    """
    height, width = image.shape[:2]
    x1, y1 = (int(np.clip(v, 0, m - 1)) for v, m in zip(box[:2], (width, height), strict=True))
    x2, y2 = (int(np.clip(v, 1, m)) for v, m in zip(box[2:], (width, height), strict=True))
    return Image.fromarray(image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1), ::-1].copy())


def with_boxes(
    image: np.ndarray,
    boxes: Iterable[Sequence[float]],
    colours: Iterable[str],
    labels: Iterable[str] | None = None,
) -> Image.Image:
    """Draw boxes into a copy of an image, as thick as its size asks for.

    Args:
        image: ``(H, W, 3)`` uint8 BGR.
        boxes: Boxes as xyxy.
        colours: One for each box.
        labels: Text at the upper left corner of each box.
    """
    drawn = Image.fromarray(image[..., ::-1].copy())
    draw = ImageDraw.Draw(drawn)
    thickness = max(2, round(max(image.shape[:2]) / 250))
    boxes = list(boxes)
    texts = list(labels) if labels is not None else [''] * len(boxes)
    style = font(max(13, round(max(image.shape[:2]) / 45)), bold=True)
    for box, colour, text in zip(boxes, colours, texts, strict=True):
        draw.rectangle(tuple(float(v) for v in box), outline=colour, width=thickness)
        if text:
            x, y = float(box[0]), max(float(box[1]) - style.size - 6, 0)
            length = draw.textlength(text, style)
            draw.rectangle((x, y, x + length + 8, y + style.size + 6), fill=colour)
            draw.text((x + 4, y + 1), text, 'white', style)
    return drawn


def fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """Scale an image into a field of a fixed size, keeping its shape.

    Args:
        image: Any size.
        width: Of the field.
        height: Of the field.
    """
    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    field = Image.new('RGB', (width, height), PAPER)
    field.paste(
        image.resize(size, Image.Resampling.LANCZOS),
        ((width - size[0]) // 2, (height - size[1]) // 2),
    )
    return field


def shortened(text: str, style: ImageFont.FreeTypeFont, width: int) -> str:
    """Leave out the beginning of a text that is too long for a field: names differ at the end.

    Args:
        text: One line.
        style: How it is written.
        width: Of the field in pixels.
    """
    if style.getlength(text) <= width:
        return text
    while text and style.getlength(f'…{text}') > width:
        text = text[1:]
    return f'…{text}'


def save_image(image: Image.Image, path: Path) -> None:
    """Write an image in the form that its name asks for, whole or not at all.

    Args:
        image: What is written.
        path: Ends in ``.png``, ``.jpg`` or another ending that Pillow knows; PNG otherwise.
    """
    Image.init()
    form = Image.registered_extensions().get(path.suffix.lower(), 'PNG')
    with atomic_file(path) as file:
        image.save(file, format=form)
