"""Predictions of any model, in one safe file: boxes, scores, embeddings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mmps.files import atomic_file, read_npz
from mmps.structures import DataError

from .ground_truth import GroundTruth


@dataclass(frozen=True, eq=False)
class SortedBoxes:
    """Boxes in the order of the annotation file's images, then of their rows in the predictions.

    Attributes:
        images: ``(N,)`` position of each box's image, ascending.
        offsets: ``(I + 1,)``, image ``i`` owns the boxes ``offsets[i]:offsets[i + 1]``.
        bboxes: ``(N, 4)`` xyxy in original pixels.
        scores: ``(N,)``.
        embeddings: ``(N, D)``.
    """

    images: np.ndarray
    offsets: np.ndarray
    bboxes: np.ndarray
    scores: np.ndarray
    embeddings: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def rows(self, kept: np.ndarray) -> SortedBoxes:
        """Keep some boxes.

        Args:
            kept: ``(K,)`` positions, ascending.
        """
        images = self.images[kept]
        return SortedBoxes(
            images=images,
            offsets=np.searchsorted(images, np.arange(len(self.offsets))),
            bboxes=self.bboxes[kept],
            scores=self.scores[kept],
            embeddings=self.embeddings[kept],
        )


@dataclass(frozen=True, eq=False)
class Predictions:
    """Detected boxes of a test set with their embeddings, and the queries' embeddings.

    Letters: N detections, D embedding size, Q queries, A annotations. Rows may come in any order.

    Attributes:
        image_ids: ``(N,)`` ``images[].id`` of the annotation file.
        bboxes: ``(N, 4)`` xyxy in original pixels.
        scores: ``(N,)`` detection scores.
        embeddings: ``(N, D)``; similarity is the dot product of the rows as they are.
        query_embeddings: ``(Q, D)`` in the order of the file's ``queries``.
        gt_embeddings: ``(A, D)`` in the order of ``annotations``; rows of what is no person are
            zero.

    Raises:
        DataError: Shapes disagree or a number is not finite.
    """

    image_ids: np.ndarray
    bboxes: np.ndarray
    scores: np.ndarray
    embeddings: np.ndarray
    query_embeddings: np.ndarray
    gt_embeddings: np.ndarray | None = None

    def __post_init__(self) -> None:
        self._check_shapes()
        self._check_values()

    @property
    def has_embeddings(self) -> bool:
        """Whether a search is possible; a bare detector has embeddings of size 0."""
        return self.embeddings.shape[1] > 0

    @classmethod
    def load(cls, path: str | Path) -> Predictions:
        """Read an ``.npz`` file; nothing in it is unpickled.

        Args:
            path: The file.

        Raises:
            DataError: There is no such file, it is of another kind, lacks an array, or breaks a
                rule of this class.
        """
        path = Path(path)
        if not path.is_file():
            what = 'is a folder' if path.is_dir() else 'does not exist'
            raise DataError(f'{path} {what}; write predictions with tools/test.py --out.')
        content = read_npz(path, cls.__annotations__)
        missing = [key for key in cls.__annotations__ if key not in {*content, 'gt_embeddings'}]
        if missing:
            raise DataError(f'{path} lacks the arrays {", ".join(missing)}.')
        try:
            return cls(**content)
        except DataError as error:
            raise DataError(f'{path}: {error}') from None

    def save(self, path: str | Path) -> None:
        """Write an ``.npz`` file; an interrupted write leaves no half file under this name.

        Args:
            path: The file; its folder is created if it is missing.
        """
        arrays = {key: getattr(self, key) for key in self.__annotations__}
        with atomic_file(Path(path)) as file:
            np.savez(file, **{key: array for key, array in arrays.items() if array is not None})

    def above(self, score_thr: float | None) -> Predictions:
        """Keep the boxes that score at least a threshold.

        Args:
            score_thr: Smallest score that is kept; with ``None``, all boxes are.
        """
        if score_thr is None:
            return self
        kept = self.scores >= score_thr
        return replace(
            self,
            image_ids=self.image_ids[kept],
            bboxes=self.bboxes[kept],
            scores=self.scores[kept],
            embeddings=self.embeddings[kept],
        )

    def by_image(self, ground_truth: GroundTruth) -> SortedBoxes:
        """Sort the boxes by image, as every search reads them.

        Args:
            ground_truth: The annotation file's content, which orders the images.

        Raises:
            DataError: An image is not in the file.
        """
        images = ground_truth.image_positions(self.image_ids, 'image_ids of the predictions')
        order = np.argsort(images, kind='stable')
        images = images[order]
        return SortedBoxes(
            images=images,
            offsets=np.searchsorted(images, np.arange(ground_truth.num_images + 1)),
            bboxes=self.bboxes[order],
            scores=self.scores[order],
            embeddings=self.embeddings[order],
        )

    def at_ground_truth(self, ground_truth: GroundTruth) -> Predictions:
        """Replace the detections by every annotated person, with score 1.

        SeqNet's ``EVAL_USE_GT`` and OIM's ``--use_gt``: unlabelled people are boxes of the gallery
        as well, ignore regions are not.

        Args:
            ground_truth: The annotation file's content.

        Raises:
            DataError: The predictions hold no embeddings of annotated boxes.
        """
        if self.gt_embeddings is None:
            raise DataError(
                'the predictions hold no gt_embeddings; write them with tools/test.py --out, '
                'or evaluate detected boxes only.'
            )
        people = ground_truth.people
        return replace(
            self,
            image_ids=ground_truth.image_ids[ground_truth.images[people]],
            bboxes=ground_truth.bboxes[people],
            scores=np.ones(int(people.sum()), dtype=np.float32),
            embeddings=self.gt_embeddings[people],
        )

    def check_against(self, ground_truth: GroundTruth) -> None:
        """Check that these predictions belong to an annotation file.

        Args:
            ground_truth: The annotation file's content.

        Raises:
            DataError: An image is not in the file, or queries or annotations differ in number.
        """
        ground_truth.image_positions(self.image_ids, 'image_ids of the predictions')
        queries = len(self.query_embeddings)
        if queries != ground_truth.num_queries and self.has_embeddings:
            raise DataError(
                f'query_embeddings has {queries} rows, but {ground_truth.path} has '
                f'{ground_truth.num_queries} queries; give one row per query, in their order.'
            )
        annotations = ground_truth.num_annotations
        if self.gt_embeddings is not None and len(self.gt_embeddings) != annotations:
            raise DataError(
                f'gt_embeddings has {len(self.gt_embeddings)} rows, but {ground_truth.path} has '
                f'{annotations} annotations; give one row per annotation, in their order.'
            )

    def _check_shapes(self) -> None:
        count = len(self.image_ids) if self.image_ids.ndim == 1 else -1
        expected = {'image_ids': (count,), 'bboxes': (count, 4), 'scores': (count,)}
        for name, shape in expected.items():
            if getattr(self, name).shape != shape or count < 0:
                raise DataError(
                    f'{name} has shape {getattr(self, name).shape}; image_ids must be (N,), '
                    'bboxes (N, 4) and scores (N,) with the same N.'
                )
        if self.embeddings.ndim != 2 or len(self.embeddings) != count:
            raise DataError(
                f'embeddings has shape {self.embeddings.shape}; it must be ({count}, D), '
                'one row per detection.'
            )
        size = self.embeddings.shape[1]
        for name in ('query_embeddings', 'gt_embeddings'):
            array = getattr(self, name)
            if array is not None and (array.ndim != 2 or (len(array) and array.shape[1] != size)):
                raise DataError(
                    f'{name} has shape {array.shape}; its rows must have {size} numbers '
                    'as those of embeddings have.'
                )

    def _check_values(self) -> None:
        if not np.issubdtype(self.image_ids.dtype, np.integer):
            raise DataError(
                f'image_ids has the type {self.image_ids.dtype}; it must hold integers.'
            )
        for name in ('bboxes', 'scores', 'embeddings', 'query_embeddings', 'gt_embeddings'):
            array = getattr(self, name)
            if array is None:
                continue
            if array.dtype.kind not in 'fiu':
                raise DataError(f'{name} has the type {array.dtype}; it must hold numbers.')
            finite = np.isfinite(array)
            if not finite.all():
                row = int(np.argwhere(~finite)[0, 0])
                raise DataError(f'{name} holds NaN or infinity, first in row {row}.')
        self._check_products()
        flipped = (self.bboxes[:, 2:] < self.bboxes[:, :2]).any(axis=1)
        if flipped.any():
            raise DataError(
                f'bboxes row {np.flatnonzero(flipped)[0]} has x2 < x1 or y2 < y1; '
                'boxes must be (x1, y1, x2, y2).'
            )

    def _check_products(self) -> None:
        factors = (self.embeddings, self.query_embeddings)
        largest = [max(float(f.max(initial=0)), -float(f.min(initial=0))) for f in factors]
        dtype = np.result_type(*factors, np.float32)
        if largest[0] * largest[1] * self.embeddings.shape[1] > float(np.finfo(dtype).max):
            raise DataError(
                f'embeddings and query_embeddings hold numbers up to {max(largest):.3g}, whose '
                f'products are beyond {dtype}; normalise their rows.'
            )
