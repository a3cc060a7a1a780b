"""Galleries that a data set fixes for each query (CUHK-SYSU)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmps.files import read_npz
from mmps.structures import DataError, xywh_to_xyxy

from .ground_truth import GroundTruth

_NEEDED = ('offsets', 'image_ids', 'bboxes')


@dataclass(frozen=True, eq=False)
class Galleries:
    """The images that each query is searched in, as the official file lists them.

    Letters: Q queries of these galleries, M entries over all of them, P entries with the person.

    Attributes:
        path: The file, for messages.
        offsets: ``(Q + 1,)``, query ``q`` owns the entries ``offsets[q]:offsets[q + 1]``.
        image_ids: ``(M,)`` ``images[].id``; repetitions as in the official file.
        person_entries: ``(P,)`` the entries that say where the query person is, ascending.
        person_bboxes: ``(P, 4)`` xyxy in original pixels, where that is.
        query_index: ``(Q,)`` position of each query in the annotation file's ``queries``.
        of_all_queries: Whether the file names no queries, and so means all of them, in order.
        listing: Digest of the annotation file that the galleries were made with; empty if unknown.
    """

    path: Path
    offsets: np.ndarray
    image_ids: np.ndarray
    person_entries: np.ndarray
    person_bboxes: np.ndarray
    query_index: np.ndarray
    of_all_queries: bool = False
    listing: str = ''

    @property
    def num_queries(self) -> int:
        """Number of queries that have a gallery."""
        return len(self.offsets) - 1

    @property
    def entry_queries(self) -> np.ndarray:
        """``(M,)`` the query of each entry, counted within this file."""
        return np.repeat(np.arange(self.num_queries), np.diff(self.offsets))

    @classmethod
    def load(cls, path: str | Path) -> Galleries:
        """Read ``galleries_<size>.npz``.

        Args:
            path: The file.

        Raises:
            DataError: There is no such file (the message lists the sizes beside it), it is of
                another kind, its offsets do not fit its entries, or a box has no area.
        """
        path = Path(path)
        if not path.is_file():
            raise DataError(
                f'{path} does not exist; galleries there: {_listed(available_sizes(path.parent))}.'
            )
        content = read_npz(path, (*_NEEDED, 'query_index', 'listing'))
        try:
            offsets = _numbers(content['offsets'])
            image_ids = _numbers(content['image_ids'])
            bboxes = content['bboxes'].reshape(len(image_ids), 4).astype(np.float64)
            query_index = _numbers(content.get('query_index', np.arange(len(offsets) - 1)))
        except (KeyError, ValueError, TypeError) as error:
            raise DataError(
                f'{path} is not a galleries file ({error}); convert the data set again.'
            ) from None
        people = np.flatnonzero(~np.isnan(bboxes).all(axis=1))
        person_bboxes = xywh_to_xyxy(bboxes[people])
        of_all = 'query_index' not in content
        listing = str(content.get('listing', ''))
        galleries = cls(
            path, offsets, image_ids, people, person_bboxes, query_index, of_all, listing
        )
        galleries._check()
        return galleries

    def check_against(self, ground_truth: GroundTruth) -> None:
        """Check that these galleries belong to an annotation file.

        Args:
            ground_truth: The annotation file's content.

        Raises:
            DataError: The queries differ in number, or it lists other images or queries than
                when the galleries were made.
        """
        index, queries = self.query_index, ground_truth.num_queries
        outside = len(index) and (index.min() < 0 or index.max() >= queries)
        if outside or (self.of_all_queries and self.num_queries != queries):
            raise DataError(
                f'{self.path} has galleries for {self.num_queries} queries, but '
                f'{ground_truth.path} has {queries} queries; take files of one conversion.'
            )
        if self.listing and ground_truth.listing and self.listing != ground_truth.listing:
            raise DataError(
                f'{self.path} was made with other images or queries than {ground_truth.path} '
                'lists; convert the data set again.'
            )

    def _check(self) -> None:
        ascending = len(self.offsets) > 0 and (np.diff(self.offsets) >= 0).all()
        if not ascending or self.offsets[0] != 0 or self.offsets[-1] != len(self.image_ids):
            raise DataError(
                f'{self.path}: offsets must ascend from 0 to the number of entries '
                f'({len(self.image_ids)}); convert the data set again.'
            )
        endless = ~np.isfinite(self.person_bboxes).all(axis=1)
        if endless.any():
            raise DataError(
                f'{self.path}: the bbox of entry {self.person_entries[endless][0]} is not finite; '
                'convert the data set again.'
            )
        empty = (self.person_bboxes[:, 2:] <= self.person_bboxes[:, :2]).any(axis=1)
        if empty.any():
            raise DataError(
                f'{self.path}: the bbox of entry {self.person_entries[empty][0]} has no area; '
                'convert the data set again.'
            )
        if len(self.query_index) != self.num_queries:
            raise DataError(
                f'{self.path}: query_index names {len(self.query_index)} queries, offsets '
                f'{self.num_queries}; convert the data set again.'
            )


def gallery_file(directory: str | Path, size: int | str) -> Path:
    """Return the path of the galleries file of a size or a subset.

    Args:
        directory: Folder that holds the galleries.
        size: Number of images, or ``occlusion`` or ``resolution``.
    """
    return Path(directory) / f'galleries_{size}.npz'


def available_sizes(directory: str | Path) -> list[str]:
    """List the gallery sizes and subsets for which a folder holds a file.

    Args:
        directory: Folder to look in.

    Returns:
        Names, numbers first in ascending order.
    """
    names = [
        path.stem.removeprefix('galleries_') for path in Path(directory).glob('galleries_*.npz')
    ]
    return sorted(
        names, key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name)
    )


def _numbers(array: np.ndarray) -> np.ndarray:
    if array.ndim != 1:
        raise ValueError(f'an array of shape {array.shape} where a list of numbers belongs')
    if array.dtype.kind not in 'iuf' or (array % 1 != 0).any():
        raise ValueError(f'{array.dtype} values where whole numbers belong')
    return array.astype(np.int64)


def _listed(names: list[str]) -> str:
    return ', '.join(names) if names else 'none'
