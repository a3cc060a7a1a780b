"""What an annotation file says about people, in arrays, as every protocol reads it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmps.structures import UNLABELLED, DataError, is_labelled, xywh_to_xyxy

from .annotations import listing_digest, person_id
from .lookup import find_positions

NO_CAMERA = -1
"""Camera of an image whose camera is not known."""


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Images, boxes, identities and queries of one annotation file.

    Letters: I images, A annotations, Q queries. Images are named by their position in the file.

    Args:
        path: the file, for messages and for the galleries beside it.
        image_ids: ``(I,)`` ``images[].id``, in the order of the file.
        file_names: ``I`` names, relative to the data set's root.
        image_cameras: ``(I,)`` cameras, ``NO_CAMERA`` where unknown.
        bboxes: ``(A, 4)`` xyxy in original pixels, in the order of ``annotations``.
        person_ids: ``(A,)`` identities, ``UNLABELLED`` where unknown.
        images: ``(A,)`` position of each annotation's image.
        ignored: ``(A,)`` true for ignore regions (``iscrowd``), which are not people.
        query_bboxes: ``(Q, 4)`` xyxy in original pixels, in the order of ``queries``.
        query_person_ids: ``(Q,)`` identities.
        query_images: ``(Q,)`` position of each query's image.
        query_cameras: ``(Q,)`` cameras, ``NO_CAMERA`` where unknown.
        listing: digest of which images and queries the file lists; empty if it is no file.
    """

    path: Path
    image_ids: np.ndarray
    file_names: tuple[str, ...]
    image_cameras: np.ndarray
    bboxes: np.ndarray
    person_ids: np.ndarray
    images: np.ndarray
    ignored: np.ndarray
    query_bboxes: np.ndarray
    query_person_ids: np.ndarray
    query_images: np.ndarray
    query_cameras: np.ndarray
    listing: str = ''

    @property
    def num_images(self) -> int:
        """Number of images in the file."""
        return len(self.image_ids)

    @property
    def num_annotations(self) -> int:
        """Number of annotations in the file, ignore regions included."""
        return len(self.person_ids)

    @property
    def num_queries(self) -> int:
        """Number of queries in the file."""
        return len(self.query_person_ids)

    @classmethod
    def load(cls, path: str | Path, unlabelled_ids: Collection[int] = ()) -> GroundTruth:
        """Read an annotation file in the project's COCO-style format.

        Args:
            path: the JSON file.
            unlabelled_ids: identities that mean unknown in this file; negative ones always do.

        Raises:
            DataError: if there is no such file, it is not such JSON, repeats an id, names an image
                that it does not hold, or has a box without area or that is not four finite numbers.
        """
        path = Path(path)
        content = _read_json(path)
        image_ids = _unique_ids(content['images'], 'image', path)
        position = {image_id: index for index, image_id in enumerate(image_ids.tolist())}
        annotations = content['annotations']
        queries = content['queries']
        _unique_ids(annotations, 'annotation', path)
        query_images = _image_positions(queries, position, 'query', path)
        image_cameras = _integers(content['images'], 'camera_id', NO_CAMERA, path)
        query_cameras = _integers(queries, 'camera_id', NO_CAMERA, path)
        unknown = query_cameras == NO_CAMERA
        query_cameras[unknown] = image_cameras[query_images[unknown]]
        return cls(
            path=path,
            image_ids=image_ids,
            file_names=tuple(str(image.get('file_name', '')) for image in content['images']),
            image_cameras=image_cameras,
            bboxes=_boxes(annotations, 'annotation', path),
            person_ids=_person_ids(annotations, unlabelled_ids, path),
            images=_image_positions(annotations, position, 'annotation', path),
            ignored=np.array([bool(item.get('iscrowd', 0)) for item in annotations], dtype=bool),
            query_bboxes=_boxes(queries, 'query', path),
            query_person_ids=_query_person_ids(queries, unlabelled_ids, path),
            query_images=query_images,
            query_cameras=query_cameras,
            listing=listing_digest(content),
        )

    def image_positions(self, image_ids: np.ndarray, source: str) -> np.ndarray:
        """Translate ``images[].id`` into positions.

        Args:
            image_ids: ``(N,)`` ids.
            source: what names these images, for the message.

        Returns:
            ``(N,)`` positions.

        Raises:
            DataError: if an id is not in the file.
        """
        image_ids = np.asarray(image_ids, dtype=np.int64)
        positions = find_positions(self.image_ids, image_ids)
        if (positions < 0).any():
            raise DataError(
                f'{source} names image id {image_ids[positions < 0][0]}, which is not in '
                f'{self.path}; take the annotation file that the images came from.'
            )
        return positions


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(
            f'{path} does not exist; make it with a converter in tools/dataset_converters.'
        )
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (ValueError, OSError, RecursionError) as error:
        raise DataError(f'{path} is not readable as JSON ({error}); convert it again.') from None
    keys = ('images', 'annotations')
    if not isinstance(content, dict) or any(not isinstance(content.get(k), list) for k in keys):
        raise DataError(
            f"{path} has no lists 'images' and 'annotations'; it is not an annotation file."
        )
    for key in (*keys, 'queries'):
        items = content.setdefault(key, [])
        if not isinstance(items, list) or any(not isinstance(item, dict) for item in items):
            raise DataError(f"{path}: '{key}' must be a list of objects; convert it again.")
    return content


def _unique_ids(items: Sequence[dict], kind: str, path: Path) -> np.ndarray:
    try:
        ids = np.array([int(item['id']) for item in items], dtype=np.int64)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise DataError(f'{path} has an {kind} without an integer id; convert it again.') from None
    values, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise DataError(
            f'{path} has more than one {kind} with id {values[counts > 1][0]}; ids must differ.'
        )
    return ids


def _image_positions(
    items: Sequence[dict], position: dict[int, int], kind: str, path: Path
) -> np.ndarray:
    image_ids = [item.get('image_id') for item in items]
    positions = [position.get(i, -1) if isinstance(i, int | float) else -1 for i in image_ids]
    if -1 in positions:
        index = positions.index(-1)
        raise DataError(
            f'{path}: {kind} {index} names image id {image_ids[index]}, which is not '
            'among the images; convert the data set again.'
        )
    return np.array(positions, dtype=np.int64)


def _boxes(items: Sequence[dict], kind: str, path: Path) -> np.ndarray:
    try:
        xywh = np.array([item['bbox'] for item in items], dtype=np.float64).reshape(len(items), 4)
    except (KeyError, TypeError, ValueError):
        xywh = np.full((1, 4), np.nan)
    if not np.isfinite(xywh).all():
        raise DataError(f"{path} has a bbox that is not four finite numbers ('{kind}'); repair it.")
    empty = np.flatnonzero((xywh[:, 2:] <= 0).any(axis=1))
    if len(empty):
        # any detection in its image would find it
        bbox = items[empty[0]]['bbox']
        raise DataError(
            f'{path}: the bbox of {kind} {empty[0]} has no area ({bbox}); repair or remove it.'
        )
    return xywh_to_xyxy(xywh)


def _person_ids(items: Sequence[dict], unlabelled_ids: Collection[int], path: Path) -> np.ndarray:
    try:
        ids = [person_id(item, tuple(unlabelled_ids)) for item in items]
        return np.maximum(np.array(ids, dtype=np.int64), UNLABELLED)
    except (TypeError, ValueError, OverflowError):
        raise DataError(
            f'{path} has a person_id that is not an integer; convert it again.'
        ) from None


def _query_person_ids(
    queries: Sequence[dict], unlabelled_ids: Collection[int], path: Path
) -> np.ndarray:
    ids = _person_ids(queries, unlabelled_ids, path)
    if not is_labelled(ids).all():
        raise DataError(
            f'{path}: query {np.flatnonzero(~is_labelled(ids))[0]} has no person_id; '
            'a query needs an identity.'
        )
    return ids


def _integers(items: Sequence[dict], key: str, missing: int, path: Path) -> np.ndarray:
    values = [item.get(key) for item in items]
    try:
        return np.array([missing if v is None else int(v) for v in values], dtype=np.int64)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f'{path} has a {key} that is not an integer; convert it again.') from None
