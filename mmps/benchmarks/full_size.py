"""Problems as large as the public test sets, with synthetic embeddings, for timing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from mmps.evaluation import Galleries, GroundTruth, Predictions
from mmps.evaluation.baselines import unit_rows
from mmps.structures import UNLABELLED

CUHK_IMAGES, CUHK_QUERIES, CUHK_BOXES = 6978, 2900, 40871
PRW_FRAME_NAME = re.compile(r'c(\d)s\d_\d{6}\.jpg$')


def prw_ground_truth(path: str | Path) -> GroundTruth:
    """Read PRW's test boxes in AlignPS's form and add cameras and queries.

    Queries are the first box of each test identity in each camera, 2,057 as in the official list.

    Args:
        path: File ``test_pid.json``, where -2 is an unknown identity.
    """
    path = Path(path)
    content = json.loads(path.read_text())
    cameras = {
        image['id']: int(PRW_FRAME_NAME.search(image['file_name'])[1])
        for image in content['images']
    }
    boxes = np.array([a['bbox'] for a in content['annotations']], dtype=np.float64)
    boxes[:, 2:] += boxes[:, :2]
    person_ids = np.array([a['person_id'] for a in content['annotations']])
    image_ids = np.array([image['id'] for image in content['images']])
    position = {image_id: index for index, image_id in enumerate(image_ids.tolist())}
    images = np.array([position[a['image_id']] for a in content['annotations']])
    image_cameras = np.array([cameras[image_id] for image_id in image_ids.tolist()])
    tested = np.isin(person_ids, [479, *range(484, 932), 933])
    pairs = np.stack([person_ids, image_cameras[images]], axis=1)
    rows = np.flatnonzero(tested)
    queries = rows[np.sort(np.unique(pairs[rows], axis=0, return_index=True)[1])]
    return GroundTruth(
        path=path,
        image_ids=image_ids,
        file_names=tuple(image['file_name'] for image in content['images']),
        image_cameras=image_cameras,
        bboxes=boxes,
        person_ids=np.where(person_ids < 0, UNLABELLED, person_ids),
        images=images,
        ignored=np.zeros(len(boxes), dtype=bool),
        query_bboxes=boxes[queries],
        query_person_ids=person_ids[queries],
        query_images=images[queries],
        query_cameras=image_cameras[images[queries]],
    )


def cuhk_sysu_problem(
    directory: Path, gallery_size: int, seed: int = 0
) -> tuple[GroundTruth, Galleries]:
    """Draw as many images, boxes and queries as CUHK-SYSU's test set has, and galleries.

    Args:
        directory: Existing folder for the galleries file.
        gallery_size: Images per gallery.
        seed: Seed of the generator.
    """
    generator = np.random.default_rng(seed)
    corners = generator.integers(1, 400, size=(CUHK_BOXES, 2))
    sides = generator.integers([40, 100], [120, 300], size=(CUHK_BOXES, 2))
    images = np.sort(generator.integers(CUHK_IMAGES, size=CUHK_BOXES))
    boxes = np.concatenate([corners, corners + sides], axis=1).astype(np.float64)
    person_ids = np.full(CUHK_BOXES, UNLABELLED)
    named = generator.permutation(CUHK_BOXES)[: 3 * CUHK_QUERIES].reshape(CUHK_QUERIES, 3)
    person_ids[named] = np.arange(CUHK_QUERIES)[:, None]
    ground_truth = GroundTruth(
        path=directory / 'test.json',
        image_ids=np.arange(CUHK_IMAGES),
        file_names=tuple(f's{index}.jpg' for index in range(CUHK_IMAGES)),
        image_cameras=np.full(CUHK_IMAGES, -1),
        bboxes=boxes,
        person_ids=person_ids,
        images=images,
        ignored=np.zeros(CUHK_BOXES, dtype=bool),
        query_bboxes=boxes[named[:, 0]],
        query_person_ids=np.arange(CUHK_QUERIES),
        query_images=images[named[:, 0]],
        query_cameras=np.full(CUHK_QUERIES, -1),
    )
    entries = np.full((CUHK_QUERIES, gallery_size, 4), np.nan, dtype=np.float32)
    listed = np.stack([generator.permutation(CUHK_IMAGES)[:gallery_size] for _ in named])
    listed[:, :2] = images[named[:, 1:]]
    xywh = np.concatenate([corners, sides], axis=1)
    entries[:, :2] = xywh[named[:, 1:]]
    path = directory / f'galleries_{gallery_size}.npz'
    np.savez(
        path,
        offsets=np.arange(CUHK_QUERIES + 1) * gallery_size,
        image_ids=listed.reshape(-1),
        bboxes=entries.reshape(-1, 4),
    )
    return ground_truth, Galleries.load(path)


def noisy_predictions(
    ground_truth: GroundTruth, boxes_per_image: float, size: int = 256, seed: int = 0
) -> Predictions:
    """Detect most people slightly displaced, add background boxes, embed near the identities.

    Embeddings are small whole numbers, so that their products are exact.

    Args:
        ground_truth: The people.
        boxes_per_image: Boxes on average; those beyond the people are background.
        size: Numbers per embedding.
        seed: Seed of the generator.
    """
    generator = np.random.default_rng(seed)
    seen = np.flatnonzero(generator.random(ground_truth.num_annotations) < 0.9)
    sides = ground_truth.bboxes[seen, 2:] - ground_truth.bboxes[seen, :2]
    shift = generator.normal(scale=0.08, size=(len(seen), 2)) * sides
    people = ground_truth.bboxes[seen] + np.tile(shift, 2)
    count = max(0, round(boxes_per_image * ground_truth.num_images) - len(seen))
    corners = generator.integers(0, 500, size=(count, 2))
    background = np.concatenate([corners, corners + np.array([60, 160])], axis=1)
    images = np.r_[
        ground_truth.images[seen], generator.integers(ground_truth.num_images, size=count)
    ]
    identities = int(ground_truth.person_ids.max()) + 1
    centres = unit_rows(generator.standard_normal((identities, size), dtype=np.float32))

    def embed(person_ids: np.ndarray) -> np.ndarray:
        rows = unit_rows(generator.standard_normal((len(person_ids), size), dtype=np.float32))
        known = person_ids != UNLABELLED
        rows[known] += 0.45 * centres[person_ids[known]]
        return np.round(512 * unit_rows(rows))

    unknown = np.full(count, UNLABELLED)
    return Predictions(
        image_ids=ground_truth.image_ids[images],
        bboxes=np.concatenate([people, background]).astype(np.float32),
        scores=generator.random(len(images), dtype=np.float32),
        embeddings=embed(np.r_[ground_truth.person_ids[seen], unknown]),
        query_embeddings=embed(ground_truth.query_person_ids),
    )
