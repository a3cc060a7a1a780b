"""All checks on an annotation file, in the order in which they can be made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from .decoding import check_decoding
from .people import check_boxes, check_cameras, check_identities, check_queries
from .pictures import check_file_names, check_overlap, check_pictures
from .problems import Problem
from .structure import check_references, check_structure


def validate(
    content: dict,
    folder: Path | None = None,
    other: dict | None = None,
    progress: Callable[[Iterable, int], Iterable] = lambda pictures, total: pictures,
    decode_workers: int = 0,
    other_name: str = 'the other file',
) -> list[Problem]:
    """Find everything that is wrong or odd in an annotation file.

    Args:
        content: The parsed file, its identities brought into our spelling.
        folder: Folder that file names are relative to; without it pictures are not looked at.
        other: Another split of the data set, which must not share pictures with this one.
        progress: Called with the pictures as they are read and their number; hands them on.
        decode_workers: How many processes decode every picture; with 0 headers are read only.
        other_name: What the other file is called where something is wrong with it.

    Returns:
        All problems; later checks are left out where the file is too broken for them.
    """
    for check in (check_structure, check_references):
        problems = list(check(content))
        if problems:
            return problems
    checks = [
        check(content)
        for check in (check_file_names, check_boxes, check_identities, check_cameras, check_queries)
    ]
    images = content['images']
    if folder is not None and decode_workers:
        checks.append(check_decoding(images, folder, decode_workers, progress))
    elif folder is not None:
        checks.append(check_pictures(progress(images, len(images)), folder))
    if other is not None:
        checks.append(_check_other(content, other, other_name, folder))
    return list(chain(*checks))


def _check_other(
    content: dict, other: Any, other_name: str, folder: Path | None
) -> Iterator[Problem]:
    for problem in check_structure(other):
        yield replace(problem, where=f'{other_name}, {problem.where}')
    yield from check_overlap(content, other, folder)
