"""The output of every converter, before it becomes COCO JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mmps.structures import UNLABELLED

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Person:
    """One annotated person, or a region to ignore.

    Attributes:
        bbox: Box as xywh, in the numbers of the official file.
        person_id: Identity, at least 0; ``UNLABELLED`` if unknown.
        ignore: Whether this is a region in which detections are neither right nor wrong.
        visit: Number of the uninterrupted appearance, unique in the set; ``None`` if unknown.
    """

    bbox: Box
    person_id: int = UNLABELLED
    ignore: bool = False
    visit: int | None = None


@dataclass
class Image:
    """One image.

    Attributes:
        file_name: Path relative to the root of the set, with forward slashes.
        people: Annotated people and ignore regions.
        camera_id: Number of the camera, if the set has cameras.
        size: Width and height in pixels, read from the file later.
    """

    file_name: str
    people: list[Person] = field(default_factory=list)
    camera_id: int | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Query:
    """One person to search for.

    Attributes:
        file_name: Image that shows the person.
        bbox: Box as xywh, in the numbers of the official file.
        person_id: Identity, at least 0.
        camera_id: Number of the camera, if the set has cameras.
        visit: As of :class:`Person`.
    """

    file_name: str
    bbox: Box
    person_id: int
    camera_id: int | None = None
    visit: int | None = None


@dataclass(frozen=True)
class Galleries:
    """The fixed galleries of Q queries with M entries in all.

    Attributes:
        offsets: ``(Q + 1,)`` int64, beginning and end of each query's entries.
        images: ``(M,)`` int64 positions in the split's images, in official order, with repeats.
        bboxes: ``(M, 4)`` float32 xywh of the query person, NaN where absent.
        query_index: ``(Q,)`` int64 positions in the split's queries; ``None``: all, in order.
    """

    offsets: np.ndarray
    images: np.ndarray
    bboxes: np.ndarray
    query_index: np.ndarray | None = None

    def select(self, keep_queries: np.ndarray, keep_images: np.ndarray) -> Galleries:
        """Drop queries and images.

        Args:
            keep_queries: Booleans, one for each of the split's queries.
            keep_images: Booleans, one for each of the split's images.

        Returns:
            The rest, renumbered to the remaining queries and images.
        """
        index = np.arange(len(keep_queries)) if self.query_index is None else self.query_index
        chosen = keep_queries[index]
        owner = np.repeat(np.arange(len(index)), np.diff(self.offsets))
        keep = keep_images[self.images] & chosen[owner]
        counts = np.bincount(owner[keep], minlength=len(index))[chosen]
        renumbered = (np.cumsum(keep_queries) - 1)[index[chosen]]
        return Galleries(
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            images=(np.cumsum(keep_images) - 1)[self.images[keep]],
            bboxes=self.bboxes[keep],
            query_index=None if self.query_index is None else renumbered,
        )


@dataclass
class Split:
    """One part of a data set.

    Attributes:
        name: ``'train'``, ``'val'`` or ``'test'``.
        images: Its images, in a fixed order.
        queries: Its queries, in official order.
        galleries: Fixed galleries by name, such as ``'100'`` or ``'occlusion'``.
    """

    name: str
    images: list[Image]
    queries: list[Query] = field(default_factory=list)
    galleries: dict[str, Galleries] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Count the numbers of the final table.

        Returns:
            Numbers of images, boxes without ignore regions, labelled boxes, identities, ignore
            regions and queries.
        """
        people = [person for image in self.images for person in image.people]
        shown = [person for person in people if not person.ignore]
        ids = [person.person_id for person in shown if person.person_id != UNLABELLED]
        return {
            'images': len(self.images),
            'boxes': len(shown),
            'labelled': len(ids),
            'identities': len(set(ids)),
            'ignored': len(people) - len(shown),
            'queries': len(self.queries),
        }

    def without_images(self, missing: set[str]) -> Split:
        """Drop images with everything that refers to them.

        Args:
            missing: File names of the images.

        Returns:
            The rest, with adjusted query numbers in the galleries.
        """
        keep_images = np.array([image.file_name not in missing for image in self.images], bool)
        keep_queries = np.array([query.file_name not in missing for query in self.queries], bool)
        return Split(
            self.name,
            [image for image in self.images if image.file_name not in missing],
            [query for query in self.queries if query.file_name not in missing],
            {n: g.select(keep_queries, keep_images) for n, g in self.galleries.items()},
        )


@dataclass(frozen=True)
class Parsed:
    """The content of the annotation files of a data set.

    Attributes:
        root: Folder that file names are relative to.
        splits: Parts of the data set.
        official_counts: Numbers of the published set, by split and key of ``Split.counts``.
    """

    root: Path
    splits: list[Split]
    official_counts: dict[str, dict[str, int]]
