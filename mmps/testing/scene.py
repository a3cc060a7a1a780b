"""A small search made by hand: images, people in slots, queries, detections."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmps.formats.predictions import Predictions

from .search_data import write_galleries


class Scene:
    """One query person, boxes 20 x 40 at x = 100 * slot; an embedding per box."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.images, self.annotations, self.queries = [], [], []
        self.rows = []

    @staticmethod
    def box(slot: int) -> list[float]:
        """Return the xywh box of a slot."""
        return [100.0 * slot, 10.0, 20.0, 40.0]

    def image(self, image_id: int, people: Sequence[int] = (), camera: int | None = None) -> Scene:
        """Add an image with a person in each slot from 0."""
        self.images.append({'id': image_id, 'file_name': f'{image_id}.jpg', 'camera_id': camera})
        for slot, person in enumerate(people):
            self.annotations.append(
                {
                    'id': len(self.annotations),
                    'image_id': image_id,
                    'bbox': self.box(slot),
                    'person_id': person,
                }
            )
        return self

    def query(
        self, image_id: int, slot: int = 0, person: int = 0, camera: int | None = None
    ) -> Scene:
        """Add a query for the person in a slot."""
        query = {'image_id': image_id, 'bbox': self.box(slot), 'person_id': person}
        self.queries.append({**query, 'camera_id': camera})
        return self

    def detect(
        self, image_id: int, slot: int, similarity: float, score: float = 1.0, shift: float = 0.0
    ) -> Scene:
        """Add a detection, ``shift`` pixels right of a slot, with its similarity to every query."""
        x, y, width, height = self.box(slot)
        xyxy = [x + shift, y, x + shift + width, y + height]
        self.rows.append((image_id, xyxy, score, [similarity]))
        return self

    def annotation_file(self) -> Path:
        """Write ``test.json``."""
        path = self.directory / 'test.json'
        content = {k: getattr(self, k) for k in ('images', 'annotations', 'queries')}
        path.write_text(json.dumps(content))
        return path

    def galleries(self, size: int | str, galleries: list) -> Scene:
        """Write a file of galleries, as :func:`write_galleries` takes them."""
        write_galleries(self.directory / f'galleries_{size}.npz', galleries)
        return self

    def predictions(self, **replaced: np.ndarray) -> Predictions:
        """Return the detections as predictions, some arrays replaced."""
        arrays = {
            'image_ids': np.array([row[0] for row in self.rows], dtype=np.int64),
            'bboxes': np.array([row[1] for row in self.rows], dtype=np.float32).reshape(-1, 4),
            'scores': np.array([row[2] for row in self.rows], dtype=np.float32),
            'embeddings': np.array([row[3] for row in self.rows], dtype=np.float32).reshape(-1, 1),
            'query_embeddings': np.ones((len(self.queries), 1), dtype=np.float32),
            **replaced,
        }
        return Predictions(**arrays)
