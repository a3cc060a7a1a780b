"""All checks on an annotation file, in the order in which they can be made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from ..annotations import unify
from ..problems import Problem
from ..reading import Reading
from ..structure import check_areas, check_references, check_structure
from .decoding import check_decoding
from .images import check_file_names, check_images, check_overlap
from .people import (
    check_boxes,
    check_cameras,
    check_contents,
    check_identities,
    check_ids,
    check_ignored,
    check_queries,
)
from .visits import check_visits


def validate(
    content: Any,
    folder: Path | None = None,
    other: Any = None,
    progress: Callable[[Iterable, int], Iterable] = lambda images, total: images,
    decode_workers: int = 0,
    other_name: str = 'the other file',
    reading: Reading | None = None,
) -> list[Problem]:
    """Find everything that is wrong or odd in an annotation file.

    Args:
        content: The parsed file.
        folder: Folder that file names are relative to; without it images are not looked at.
        other: Another split of the data set, which must not share images with this one.
        progress: Called with the images as they are read and their number; hands them on.
        decode_workers: How many processes decode every image; with 0 headers are read only.
        other_name: What the other file is called where something is wrong with it.
        reading: Options of the reader.

    Returns:
        All problems; later checks are left out where the file is too broken for them.
    """
    reading = reading or Reading()
    for check in (check_structure, check_references):
        problems = list(check(content, reading))
        if problems:
            return problems
    checks = [check_areas(content, ('annotations', 'queries')), *_contents(content, reading)]
    images = content['images']
    if folder is not None and decode_workers:
        checks.append(check_decoding(images, folder, decode_workers, progress))
    elif folder is not None:
        checks.append(check_images(progress(images, len(images)), folder))
    if other is not None:
        checks.append(_check_other(content, other, other_name, folder))
    return list(chain(*checks))


def _contents(content: dict, reading: Reading) -> list[Iterable[Problem]]:
    said = unify(content, reading)
    return [
        said.remarks,
        check_contents(said),
        check_file_names(content),
        check_ids(content),
        check_boxes(said),
        check_ignored(content, said, reading),
        check_identities(said),
        check_cameras(said),
        check_queries(content, said, reading),
        check_visits(content, said),
    ]


def _check_other(
    content: dict, other: Any, other_name: str, folder: Path | None
) -> Iterator[Problem]:
    for problem in check_structure(other):
        yield replace(problem, where=f'{other_name}, {problem.where}')
    yield from check_overlap(content, other, folder)
