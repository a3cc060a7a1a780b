from __future__ import annotations

import json

import numpy as np
import pytest

from mmps.evaluation import Predictions
from mmps.testing.search_data import write_galleries


class Scene:
    """One query person, boxes 20 x 40 at x = 100 * slot; an embedding per box."""

    def __init__(self, directory):
        self.directory = directory
        self.images, self.annotations, self.queries = [], [], []
        self.rows = []

    @staticmethod
    def box(slot):
        return [100.0 * slot, 10.0, 20.0, 40.0]

    def image(self, image_id, people=(), camera=None):
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

    def query(self, image_id, slot=0, person=0, camera=None):
        query = {'image_id': image_id, 'bbox': self.box(slot), 'person_id': person}
        self.queries.append({**query, 'camera_id': camera})
        return self

    def detect(self, image_id, slot, similarity, score=1.0, shift=0.0):
        x, y, width, height = self.box(slot)
        xyxy = [x + shift, y, x + shift + width, y + height]
        self.rows.append((image_id, xyxy, score, [similarity]))
        return self

    def annotation_file(self):
        path = self.directory / 'test.json'
        content = {k: getattr(self, k) for k in ('images', 'annotations', 'queries')}
        path.write_text(json.dumps(content))
        return path

    def galleries(self, size, galleries):
        write_galleries(self.directory / f'galleries_{size}.npz', galleries)
        return self

    def predictions(self, **replaced):
        arrays = {
            'image_ids': np.array([row[0] for row in self.rows], dtype=np.int64),
            'bboxes': np.array([row[1] for row in self.rows], dtype=np.float32).reshape(-1, 4),
            'scores': np.array([row[2] for row in self.rows], dtype=np.float32),
            'embeddings': np.array([row[3] for row in self.rows], dtype=np.float32).reshape(-1, 1),
            'query_embeddings': np.ones((len(self.queries), 1), dtype=np.float32),
            **replaced,
        }
        return Predictions(**arrays)


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)
