"""The results of a test pass for each image, and their assembly to one set of predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import Predictions
from mmps.structures import PERSON_LABEL, ConfigError

FIELDS = ('bboxes', 'scores', 'embeddings')
"""Of detected people."""

PIXELS = 0.1
"""Boxes that differ by less are the same: their coordinates are single floats."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """Embeddings of some entries of a list in the annotation file.

    Attributes:
        indices: ``(K,)`` positions in the list.
        embeddings: ``(K, D)``.
    """

    indices: np.ndarray
    embeddings: np.ndarray


@dataclass(frozen=True, eq=False)
class ImageRecord:
    """One image of a test pass.

    Attributes:
        image_id: ``images[].id``.
        bboxes: ``(N, 4)`` xyxy in original pixels.
        scores: ``(N,)``.
        embeddings: ``(N, D)``, nothing from a bare detector.
        queries: Embeddings of the queries in the image.
        annotations: Embeddings of the annotated boxes in the image.
    """

    image_id: int
    bboxes: np.ndarray
    scores: np.ndarray
    embeddings: np.ndarray | None
    queries: Embedded | None
    annotations: Embedded | None

    @classmethod
    def from_sample(cls, sample: Mapping[str, Any]) -> ImageRecord:
        """Take what the evaluation needs of a data sample.

        Args:
            sample: Data sample as described in ``mmps.PersonSearchMetric``.
        """
        detected = sample['pred_instances']
        if 'labels' in detected:  # of a bare detector, which may have more classes
            people = detected['labels'] == PERSON_LABEL
            detected = {key: detected[key][people] for key in FIELDS if key in detected}
        embeddings = detected.get('embeddings')
        return cls(
            image_id=int(sample['img_id']),
            bboxes=_floats(detected['bboxes']).reshape(-1, 4),
            scores=_floats(detected['scores']).reshape(-1),
            embeddings=None if embeddings is None else _floats(embeddings),
            queries=_embedded(sample.get('query_instances'), 'query_indices'),
            annotations=_embedded(sample.get('gt_instances'), 'ann_indices'),
        )


def check_places(sample: Mapping[str, Any], ground_truth: GroundTruth) -> None:
    """Refuse known boxes of another place than in the annotation file: a pipeline moved them.

    Args:
        sample: Data sample of an image; ``gt_instances`` and ``query_instances`` may lack boxes.
        ground_truth: The annotation file.

    Raises:
        ConfigError: A box is not in pixels of the image file.
    """
    for part, indices, expected in (
        ('gt_instances', 'ann_indices', ground_truth.bboxes),
        ('query_instances', 'query_indices', ground_truth.query_bboxes),
    ):
        instances = sample.get(part)
        if instances is None or indices not in instances or 'bboxes' not in instances:
            continue
        positions = _array(instances[indices]).astype(np.int64)
        boxes = _array(instances['bboxes']).reshape(-1, 4)
        known = positions < len(expected)  # of another file is said once all images are there
        # Positions beyond the file index row 0 instead, and [known] drops their differences.
        if (np.abs(boxes - expected[positions * known])[known] > PIXELS).any():
            raise ConfigError(
                f'{part} of image {sample["img_id"]} are not in pixels of the image file, so that '
                'other places would be embedded: put LoadAnnotations behind Resize in the test '
                'pipeline (LoadImageFromFile, Resize, LoadAnnotations, PackPersonSearchInputs).'
            )


def assemble(records: Sequence[ImageRecord], ground_truth: GroundTruth) -> Predictions:
    """Join records of images to one set of predictions.

    Args:
        records: Records of a data set; an image that a sampler repeated counts once.
        ground_truth: Determines the numbers of queries and annotations.

    Raises:
        ConfigError: Images, or embeddings of some queries or annotations, are missing, or there
            are some that the annotation file does not know.
    """
    records = list({record.image_id: record for record in records}.values())
    _check_images(records, ground_truth)
    counts = [len(record.scores) for record in records]
    width = _embedding_size(records)
    queries = [record.queries for record in records]
    annotations = [record.annotations for record in records]
    return Predictions(
        image_ids=np.repeat(np.array([r.image_id for r in records], dtype=np.int64), counts),
        bboxes=_joined([record.bboxes for record in records], 4),
        scores=_joined([record.scores[:, None] for record in records], 1)[:, 0],
        embeddings=_joined([_rows(record, width) for record in records], width),
        query_embeddings=_in_order(
            queries if width else [],
            np.arange(ground_truth.num_queries if width else 0),
            (ground_truth.num_queries if width else 0, width),
            f'queries of {ground_truth.path}',
        ),
        gt_embeddings=None
        if all(part is None for part in annotations)
        else _in_order(
            annotations,
            np.flatnonzero(ground_truth.people),
            (ground_truth.num_annotations, width),
            f'annotated people of {ground_truth.path}',
        ),
    )


def _check_images(records: Sequence[ImageRecord], ground_truth: GroundTruth) -> None:
    tested = np.array([record.image_id for record in records], dtype=np.int64)
    missing = np.setdiff1d(ground_truth.image_ids, tested)
    unknown = np.setdiff1d(tested, ground_truth.image_ids)
    if len(missing) or len(unknown):
        raise ConfigError(
            f'{len(missing)} of the {ground_truth.num_images} images of {ground_truth.path} were '
            f'not tested, and {len(unknown)} others were; test on the whole data set, and give it '
            'and the evaluator the same ann_file.'
        )


def _array(values: Any) -> np.ndarray:
    values = getattr(values, 'tensor', values)  # of mmdet's boxes
    return values.detach().cpu().numpy() if hasattr(values, 'detach') else np.asarray(values)


def _floats(values: Any) -> np.ndarray:
    if hasattr(values, 'detach'):
        values = values.detach().float().cpu().numpy()
    return np.asarray(values, dtype=np.float32)


def _embedded(instances: Any, indices: str) -> Embedded | None:
    if instances is None or 'embeddings' not in instances or indices not in instances:
        return None
    positions = instances[indices]
    positions = positions.cpu() if hasattr(positions, 'cpu') else positions
    return Embedded(np.asarray(positions, dtype=np.int64), _floats(instances['embeddings']))


def _embedding_size(records: Sequence[ImageRecord]) -> int:
    """Find D; 0 says that the model is a bare detector."""
    arrays = [record.embeddings for record in records]
    arrays += [part.embeddings for r in records for part in (r.queries, r.annotations) if part]
    return max((array.shape[1] for array in arrays if array is not None), default=0)


def _rows(record: ImageRecord, width: int) -> np.ndarray:
    """Take the embeddings of an image; one without boxes may have come without their size."""
    if record.embeddings is None and len(record.scores) and width:
        raise ConfigError(
            f'people of image {record.image_id} have no embeddings, but its queries have: '
            'something dropped them behind the model, such as test-time augmentation (--tta): '
            'leave it out'
        )
    if record.embeddings is None or len(record.scores) == 0:
        return np.zeros((len(record.scores), width), dtype=np.float32)
    return record.embeddings


def _joined(arrays: Sequence[np.ndarray], width: int) -> np.ndarray:
    # The empty array sets the width of the result if there is no other array.
    return np.concatenate([np.zeros((0, width), dtype=np.float32), *arrays])


def _in_order(
    parts: Sequence[Embedded | None], needed: np.ndarray, shape: tuple[int, int], what: str
) -> np.ndarray:
    """Put embeddings in the order of the annotation file."""
    parts = [part for part in parts if part is not None and len(part.indices)]
    found = np.concatenate([np.zeros(0, dtype=np.int64), *(part.indices for part in parts)])
    missing = np.setdiff1d(needed, found)
    if len(missing):
        raise ConfigError(
            f'embeddings are missing for {len(missing)} of the {len(needed)} {what} '
            f'(first: {missing[0]}); test on the whole data set.'
        )
    if found.max(initial=-1) >= shape[0]:
        raise ConfigError(
            f'the data set goes beyond the {what}; give the data set and the evaluator the same '
            'ann_file.'
        )
    ordered = np.zeros(shape, dtype=np.float32)
    for part in parts:
        ordered[part.indices] = part.embeddings
    return ordered
