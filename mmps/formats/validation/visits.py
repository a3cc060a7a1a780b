"""Checks on visits: uninterrupted appearances of one person before one camera."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mmps.structures import is_labelled

from ..annotations import Annotations
from ..problems import Problem
from ..reading import visits


def check_visits(content: dict, said: Annotations) -> Iterator[Problem]:
    """Check that a visit is of one person before one camera, and who has none.

    Args:
        content: A file whose structure and references are right.
        said: What it says.

    Yields:
        Errors for visits of several people or cameras and for queries of another visit than their
        person's; a warning where only some people have a visit.
    """
    numbers = visits(content['annotations'])
    of_queries = visits(content.get('queries', ()))
    yield from _one_each(said, numbers, of_queries)
    yield from _queries(said, numbers, of_queries)
    named = [n is not None for n, p in zip(numbers, said.person_ids, strict=True) if is_labelled(p)]
    if any(named) and not all(named):
        where = f'{named.count(False)} of {len(named)} people with an identity'
        yield Problem('some people have no visit and others do', where, is_error=False)


def _one_each(
    said: Annotations, numbers: Sequence[int | None], of_queries: Sequence[int | None]
) -> Iterator[Problem]:
    camera_of = {image['id']: image['camera_id'] for image in said.images}
    people: dict[int, int] = {}
    cameras: dict[int, int] = {}
    boxes = zip(numbers, said.person_ids, said.image_ids, strict=True)
    entries = [
        *((f'annotations[{k}]', *box) for k, box in enumerate(boxes)),
        *(
            (f'queries[{k}]', n, query['person_id'], query['image_id'])
            for k, (n, query) in enumerate(zip(of_queries, said.queries, strict=True))
        ),
    ]
    for place, visit, person_id, image_id in entries:
        where, camera = f'{place} (visit {visit})', camera_of[image_id]
        if visit is None:
            continue
        if is_labelled(person_id) and people.setdefault(visit, person_id) != person_id:
            yield Problem('a visit has two people', where)
        if camera is not None and cameras.setdefault(visit, camera) != camera:
            yield Problem('a visit has two cameras', where)


def _queries(
    said: Annotations, numbers: Sequence[int | None], of_queries: Sequence[int | None]
) -> Iterator[Problem]:
    """Compare each query with the boxes of its person in its image."""
    shown: dict[tuple[int, int], set[int]] = {}
    for visit, person_id, image_id in zip(numbers, said.person_ids, said.image_ids, strict=True):
        if visit is not None:
            shown.setdefault((image_id, person_id), set()).add(visit)
    for k, (visit, query) in enumerate(zip(of_queries, said.queries, strict=True)):
        there = shown.get((query['image_id'], query['person_id']))
        if visit is not None and there is not None and visit not in there:
            where = f'queries[{k}] (visit {visit}, annotated {min(there)})'
            yield Problem("a query's visit is not that of its box", where)
