"""A world without networks: people are rectangles of one colour each, found and compared by it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mmps.gallery import Gallery, GalleryModel, open_gallery
from mmps.gallery.indexing import Settings, index
from mmps.gallery.sources import Places
from mmps.structures import FoundPeople

COLOURS = (
    (214, 39, 40), (31, 119, 180), (44, 160, 44), (255, 187, 20), (148, 103, 189), (23, 190, 207),
)  # fmt: skip
"""RGB of each person."""

SIZE = (320, 240)
GREY = 96
START = 1_795_766_400.0
"""When the first camera began: 2026-11-27, 08:00 UTC."""


class ColourInferencer:
    """Finds rectangles of known colours; an embedding says how much of a box each colour fills."""

    calibration = None
    min_score = 0.3

    def gallery_model(self) -> GalleryModel:
        """Describe itself as a model."""
        return GalleryModel('coloured people', len(COLOURS) + 2, {'model': 'colours.py'})

    def find(self, images: Sequence[np.ndarray]) -> list[FoundPeople]:
        """Find the people in ``(H, W, 3)`` uint8 BGR images."""
        return [self._found(image) for image in images]

    def embed(self, image: np.ndarray, boxes: Sequence[Sequence[float]]) -> np.ndarray:
        """Embed boxes."""
        from mmps.structures import DataError

        height, width = image.shape[:2]
        for x1, y1, x2, y2 in boxes:
            if not (x1 < x2 and y1 < y2 and x2 > 0 and y2 > 0 and x1 < width and y1 < height):
                raise DataError('boxes must be x1 y1 x2 y2 in pixels, with x1 < x2 and y1 < y2')
        return np.concatenate([self._embedding(image, box) for box in boxes])

    def _found(self, image: np.ndarray) -> FoundPeople:
        boxes = []
        for colour in COLOURS:
            ys, xs = np.nonzero(self._fits(image, colour))
            if len(ys) > 40:
                boxes.append([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        embeddings = [self._embedding(image, box) for box in boxes]
        dimension = self.gallery_model().dimension
        return FoundPeople(
            None,
            np.array(boxes, dtype=np.float32).reshape(-1, 4),
            np.linspace(0.9, 0.5, len(boxes), dtype=np.float32),
            np.concatenate(embeddings or [np.zeros((0, dimension), np.float32)]),
        )

    @staticmethod
    def _fits(image: np.ndarray, colour: Sequence[int]) -> np.ndarray:
        return (np.abs(image[..., ::-1].astype(int) - colour) < 40).all(axis=-1)

    def _embedding(self, image: np.ndarray, box: Sequence[float]) -> np.ndarray:
        x1, y1, x2, y2 = (max(0, int(v)) for v in box)
        inside = image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
        shares = [self._fits(inside, colour).mean() for colour in COLOURS]
        vector = np.array([*shares, 0.1 + inside.mean() / 2550, 0.05 * x1 / image.shape[1]])
        return (vector / np.linalg.norm(vector))[None].astype(np.float32)


def draw_scene(people: Sequence[tuple[int, int]], size: tuple[int, int] = SIZE) -> Image.Image:
    """Draw people on grey ground.

    Args:
        people: Number of the colour, and left edge, of each.
        size: (width, height).
    """
    pixels = np.full((size[1], size[0], 3), GREY, np.uint8)
    pixels[size[1] // 2 :] += 20
    for colour, left in people:
        pixels[70:190, left : left + 44] = COLOURS[colour]
        pixels[44:70, left + 10 : left + 34] = COLOURS[colour]
    return Image.fromarray(pixels)


def fill_gallery(folder: Path) -> Path:
    """Draw footage of two cameras and index it.

    Person 0 walks past ``north``, leaves, and comes back past ``south``; others come and go.

    Args:
        folder: Receives ``north`` and ``south`` (frames of a video, 2 a second), ``still.png`` and
            ``people.mmps``.

    Returns:
        The gallery.
    """
    _draw_frames(folder / 'north', [[(0, 20 + 30 * t), (1, 200)] for t in range(6)] + [[(2, 60)]])
    _draw_frames(
        folder / 'south', [[(3, 30)], [(3, 60)]] + [[(0, 20 * t), (4, 250)] for t in range(5)]
    )
    draw_scene([(5, 100)]).save(folder / 'still.png')
    path = folder / 'people.mmps'
    with open_gallery(path, model=ColourInferencer().gallery_model(), mode='w') as gallery:
        for camera, start in (('north', START), ('south', START + 60)):
            _index(gallery, [str(folder / camera)], Places(camera, start), 2.0)
        _index(gallery, [str(folder / 'still.png')], Places())
    return path


def _draw_frames(folder: Path, frames: Sequence[Sequence[tuple[int, int]]]) -> None:
    folder.mkdir(parents=True)
    for number, people in enumerate(frames):
        draw_scene(people).save(folder / f'{number:03}.png')


def _index(gallery: Gallery, sources: list[str], places: Places, rate: float | None = None) -> None:
    settings = Settings(every=0.0, places=places, frame_rate=rate)
    index(gallery, ColourInferencer().find, sources, settings)
