"""The people of an annotation file, in arrays, as every protocol reads them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.fileio import get_local_path

from mmps.structures import DataError, xywh_to_xyxy

from .annotations import listing_digest, log_remarks, parse, unify
from .reading import Reading, visits

NO_CAMERA = -1
"""Camera of an image whose camera is not known."""

NO_VISIT = -1
"""Visit of a box whose visit is not known."""

DENSE_RANGE = 2**22
"""Range of ids up to which a table finds them."""


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Images, boxes, identities and queries of one annotation file.

    Letters: I images, A annotations, Q queries. Images are named by their position in the file.

    Attributes:
        path: The file, for messages and for the galleries beside it.
        image_ids: ``(I,)`` ``images[].id``, in the order of the file.
        file_names: ``I`` names, relative to the data set's root.
        image_cameras: ``(I,)`` cameras, ``NO_CAMERA`` where unknown.
        bboxes: ``(A, 4)`` xyxy in original pixels, in the order of ``annotations``.
        person_ids: ``(A,)`` identities, ``UNLABELLED`` where unknown.
        images: ``(A,)`` position of each annotation's image.
        ignored: ``(A,)`` true for ignore regions, which are not people.
        query_bboxes: ``(Q, 4)`` xyxy in original pixels, in the order of ``queries``.
        query_person_ids: ``(Q,)`` identities.
        query_images: ``(Q,)`` position of each query's image.
        query_cameras: ``(Q,)`` cameras, ``NO_CAMERA`` where unknown.
        listing: Digest of which images and queries the file lists; empty if it is no file.
        others: ``(A,)`` true for boxes of other categories, which count as nothing; none if not
            given.
        visits: ``(A,)`` visit of each annotation, ``NO_VISIT`` where unknown; none if not given.
        query_visits: ``(Q,)`` visit of each query, in the same way.
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
    others: np.ndarray | None = None
    visits: np.ndarray | None = None
    query_visits: np.ndarray | None = None

    @property
    def people(self) -> np.ndarray:
        """``(A,)`` true for people: neither ignore regions nor boxes of other categories."""
        return ~self.ignored if self.others is None else ~(self.ignored | self.others)

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
    def load(
        cls,
        path: str | Path,
        unlabelled_ids: Collection[int] = (),
        identity_key: str | None = None,
        classes: str | Sequence[str] | None = None,
        backend_args: dict[str, Any] | None = None,
    ) -> GroundTruth:
        """Read an annotation file in the project's COCO-style format.

        Args:
            path: The JSON file.
            unlabelled_ids: Identities that mean unknown in this file; negative ones always do.
            identity_key: Field that holds the identities, such as ``attributes.track_id``.
            classes: Names of the categories that are people; see :class:`Reading`.
            backend_args: Of MMEngine's file backend, where the file is not on a local disk.

        Raises:
            DataError: The file is missing, or not in this format.
        """
        reading = Reading.of(unlabelled_ids, identity_key, classes)
        with get_local_path(str(path), backend_args=backend_args) as local:
            content = parse(local, reading)
        path = Path(path)
        said = unify(content, reading)
        log_remarks(path, said.remarks)
        position = {image['id']: index for index, image in enumerate(said.images)}
        image_cameras = _cameras(said.images)
        query_images = _positions([query['image_id'] for query in said.queries], position)
        query_cameras = _cameras(said.queries)
        unknown = query_cameras == NO_CAMERA
        query_cameras[unknown] = image_cameras[query_images[unknown]]
        return cls(
            path=path,
            image_ids=np.array(list(position), dtype=np.int64),
            file_names=tuple(str(image.get('file_name', '')) for image in said.images),
            image_cameras=image_cameras,
            bboxes=_corners(said.bboxes),
            person_ids=np.array(said.person_ids, dtype=np.int64),
            images=_positions(said.image_ids, position),
            ignored=np.array(said.ignored, dtype=bool),
            query_bboxes=_corners([query['bbox'] for query in said.queries]),
            query_person_ids=np.array([q['person_id'] for q in said.queries], dtype=np.int64),
            query_images=query_images,
            query_cameras=query_cameras,
            listing=listing_digest(content),
            others=~np.array(said.people, dtype=bool) & ~np.array(said.ignored, dtype=bool),
            visits=_visits(content['annotations']),
            query_visits=_visits(content.get('queries', ())),
        )

    def image_positions(self, image_ids: np.ndarray, source: str) -> np.ndarray:
        """Translate ``images[].id`` into positions.

        Args:
            image_ids: ``(N,)`` ids.
            source: What names these images, for the message.

        Returns:
            ``(N,)`` positions.

        Raises:
            DataError: An id is not in the file.
        """
        image_ids = np.asarray(image_ids, dtype=np.int64)
        positions = find_positions(self.image_ids, image_ids)
        if (positions < 0).any():
            raise DataError(
                f'{source} names image id {image_ids[positions < 0][0]}, which is not in '
                f'{self.path}; take the annotation file that the images came from.'
            )
        return positions


def find_positions(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Find the position of each wanted id.

    Args:
        ids: ``(I,)`` different integers.
        wanted: ``(N,)`` integers.

    Returns:
        ``(N,)`` positions in ``ids``, -1 for ids that are not there.
    """
    if len(ids) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    order = np.argsort(ids, kind='stable')
    ascending = ids[order]
    # a table finds the millions of entries of large galleries five times as fast
    dense = ascending[-1] - ascending[0] < DENSE_RANGE
    near = (_by_table if dense else _by_bisection)(ascending, wanted)
    return np.where(ascending[near] == wanted, order[near], -1)


def _cameras(records: Sequence[dict]) -> np.ndarray:
    known = [NO_CAMERA if r['camera_id'] is None else r['camera_id'] for r in records]
    return np.array(known, dtype=np.int64)


def _visits(records: Sequence[dict]) -> np.ndarray:
    known = [NO_VISIT if visit is None else visit for visit in visits(records)]
    return np.array(known, dtype=np.int64)


def _positions(image_ids: Sequence[int], position: dict[int, int]) -> np.ndarray:
    return np.array([position[image_id] for image_id in image_ids], dtype=np.int64)


def _corners(bboxes: Sequence[list[float]]) -> np.ndarray:
    return xywh_to_xyxy(np.array(bboxes, dtype=np.float64).reshape(-1, 4))


def _by_table(ascending: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    first, last = ascending[0], ascending[-1]
    table = np.zeros(last - first + 1, dtype=np.int64)
    table[ascending - first] = np.arange(len(ascending))
    return table[np.clip(wanted, first, last) - first]


def _by_bisection(ascending: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
