"""Tiny person-search problems at random: every oddity of the evaluation, in small integers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmps.evaluation import Predictions
from mmps.structures import UNLABELLED


@dataclass(frozen=True, eq=False)
class SearchData:
    """An annotation file, its galleries and predictions.

    Attributes:
        annotation: Content of the JSON file.
        galleries: By size, ``{query: [(image id, xywh or None), ...]}`` as a list over queries.
        predictions: Random predictions, without a model.
    """

    annotation: dict
    galleries: dict[int, list[list[tuple[int, list[float] | None]]]]
    predictions: Predictions

    def write(self, directory: Path) -> tuple[Path, Path]:
        """Write all files.

        Args:
            directory: Existing folder.

        Returns:
            The annotation file and the predictions.
        """
        annotation, predictions = directory / 'test.json', directory / 'predictions.npz'
        annotation.write_text(json.dumps(self.annotation))
        for size, galleries in self.galleries.items():
            write_galleries(directory / f'galleries_{size}.npz', galleries)
        self.predictions.save(predictions)
        return annotation, predictions


def write_galleries(path: Path, galleries: list[list[tuple[int, list[float] | None]]]) -> None:
    """Write galleries as the converters do.

    Args:
        path: The ``.npz`` file.
        galleries: (image id, xywh or None) of each entry of each query.
    """
    entries = [entry for gallery in galleries for entry in gallery]
    boxes = [[np.nan] * 4 if box is None else box for _, box in entries]
    np.savez(
        path,
        offsets=np.cumsum([0, *(len(gallery) for gallery in galleries)]),
        image_ids=np.array([image for image, _ in entries], dtype=np.int64),
        bboxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
    )


def random_search_data(
    generator: np.random.Generator,
    num_images: int = 5,
    num_people: int = 3,
    num_queries: int = 3,
    size: int = 3,
) -> SearchData:
    """Draw a problem with ties, repeated entries, twins in an image and missed people.

    Args:
        generator: Source of randomness.
        num_images: At least 1.
        num_people: Identities, at least 1.
        num_queries: At least 1.
        size: Numbers per embedding, small integers.
    """
    image_ids = generator.permutation(100)[:num_images].tolist()
    images = [
        {
            'id': image_id,
            'file_name': f'{image_id}.jpg',
            'camera_id': int(generator.integers(1, 4)),
            'width': 120,
            'height': 120,
        }
        for image_id in image_ids
    ]
    annotations = _annotations(generator, image_ids, num_people)
    queries = _queries(generator, images, annotations, num_queries)
    annotation = {'images': images, 'annotations': annotations, 'queries': queries}
    galleries = [_gallery(generator, image_ids, annotations, query) for query in queries]
    predictions = _predictions(generator, image_ids, annotations, len(queries), size)
    return SearchData(annotation, {100: galleries}, predictions)


def _annotations(
    generator: np.random.Generator, image_ids: list[int], num_people: int
) -> list[dict]:
    annotations = []
    for image_id in image_ids:
        for _ in range(generator.integers(1, 4)):
            annotations.append(
                {
                    'id': len(annotations),
                    'image_id': image_id,
                    'bbox': _box(generator),
                    'person_id': int(generator.integers(UNLABELLED, num_people)),
                    'category_id': 0,
                    'iscrowd': 0,
                }
            )
    annotations[0]['person_id'] = 0
    return annotations


def _queries(
    generator: np.random.Generator, images: list[dict], annotations: list[dict], count: int
) -> list[dict]:
    labelled = [a for a in annotations if a['person_id'] != UNLABELLED]
    cameras = {image['id']: image['camera_id'] for image in images}
    chosen = [labelled[i] for i in generator.integers(len(labelled), size=count)]
    return [
        {
            'image_id': a['image_id'],
            'bbox': a['bbox'],
            'person_id': a['person_id'],
            'camera_id': cameras[a['image_id']],
        }
        for a in chosen
    ]


def _gallery(
    generator: np.random.Generator, image_ids: list[int], annotations: list[dict], query: dict
) -> list[tuple[int, list[float] | None]]:
    """List some images, people first as in the official files, some of them again."""
    own = [a for a in annotations if a['person_id'] == query['person_id']]
    people = [(a['image_id'], a['bbox']) for a in own]
    holding = {a['image_id'] for a in own}
    empty = [(i, None) for i in image_ids if i not in holding and generator.random() < 0.7]
    entries = [people[i] for i in generator.permutation(len(people))] + empty
    if generator.random() < 0.3:
        entries.insert(0, entries[int(generator.integers(len(entries)))])
    return entries


def _predictions(
    generator: np.random.Generator,
    image_ids: list[int],
    annotations: list[dict],
    num_queries: int,
    size: int,
) -> Predictions:
    """Detect most people, some twice, and some background; rows in random order."""
    rows = []
    for a in annotations:
        for _ in range(generator.choice([0, 1, 1, 2])):
            jitter = generator.integers(-3, 4, size=4)
            rows.append((a['image_id'], np.maximum(np.array(a['bbox']) + jitter, 1)))
    rows += [(i, np.array(_box(generator))) for i in image_ids if generator.random() < 0.4]
    rows = [rows[i] for i in generator.permutation(len(rows))]
    xywh = np.array([box for _, box in rows], dtype=np.float32).reshape(-1, 4)

    def embed(count: int) -> np.ndarray:
        return generator.integers(-2, 3, size=(count, size)).astype(np.float32)

    return Predictions(
        image_ids=np.array([image for image, _ in rows], dtype=np.int64),
        bboxes=np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),
        scores=generator.integers(1, 10, size=len(rows)).astype(np.float32) / 10,
        embeddings=embed(len(rows)),
        query_embeddings=embed(num_queries),
        gt_embeddings=embed(len(annotations)),
    )


def _box(generator: np.random.Generator) -> list[float]:
    x, y = generator.integers(1, 60, size=2).tolist()
    width, height = generator.integers(8, 40, size=2).tolist()
    return [x, y, width, height]
