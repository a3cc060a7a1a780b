"""Fields that look like identities or cameras and are not read: named, never passed over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mmps.structures import UNLABELLED

from .problems import Problem
from .reading import CAMERA_KEYS, Reading, cameras, column, fields_of, identities, ignore_flags
from .values import ABSENT

_IDENTITY_WORDS = {
    'pid', 'identity', 'personid', 'personname', 'person', 'pedestrianid', 'humanid', 'trackid',
    'tracknumber', 'track', 'trackingid', 'trackletid', 'tracklet', 'objectid', 'objid',
    'instanceid', 'targetid', 'subjectid', 'globalid', 'reid', 'reidid',
}  # fmt: skip
_CAMERA_WORDS = {'cam', 'camera', 'camid', 'cameraid', 'camname', 'cameraname', 'cameraindex'}


def check_unread(content: dict, reading: Reading) -> Iterator[Problem]:
    """Report fields that seem to contain identities or cameras but are not read.

    Args:
        content: A file whose structure is right.
        reading: Options of the reader.

    Yields:
        Warnings.
    """
    annotations, images = content['annotations'], content['images']
    fields = fields_of(annotations)
    passed_over = _like(fields, _IDENTITY_WORDS, reading.identity_keys)
    if passed_over:
        ids = identities(annotations, reading)
        ignored = ignore_flags(annotations)
        blank = [i == UNLABELLED and not flag for i, flag in zip(ids, ignored, strict=True)]
        nobody = all(identity == UNLABELLED for identity in ids)
        kind = 'nobody has an identity' if nobody else 'some people have no identity'
        yield from _unread(
            annotations, passed_over, blank, kind, 'name it by identity_key (--identity-key)'
        )
    of_images = fields_of(images)
    passed_over = _like(of_images, _CAMERA_WORDS, CAMERA_KEYS)
    if passed_over:
        blank = [camera is None for camera in cameras(images)]
        kind = 'some images have no camera'
        yield from _unread(images, passed_over, blank, kind, 'rename it to camera_id')
    spellings = [key for key in reading.identity_keys if key in fields]
    kind = 'two identities of one person differ'
    yield from _second_spellings(annotations, spellings, kind, 'annotations')
    spellings = [key for key in CAMERA_KEYS if key in of_images]
    yield from _second_spellings(images, spellings, 'two cameras of one image differ', 'images')


def _like(fields: set[str], words: set[str], known: Sequence[str]) -> list[str]:
    return sorted(
        field
        for field in fields - set(known)
        if ''.join(filter(str.isalnum, field.rpartition('.')[2].lower())) in words
    )


def _unread(
    records: Sequence[dict], fields: list[str], blank: list[bool], kind: str, cure: str
) -> Iterator[Problem]:
    counts = {
        field: sum(b and v is not ABSENT and v is not None
                   for b, v in zip(blank, column(records, field), strict=True))
        for field in fields
    }  # fmt: skip
    found = [f'{field} ({count} entries)' for field, count in counts.items() if count]
    if found:
        where = f'{", ".join(found)} is not read; {cure}'
        yield Problem(kind, where, is_error=False)


def _second_spellings(
    records: Sequence[dict], spellings: list[str], kind: str, part: str
) -> Iterator[Problem]:
    first = next(iter(spellings), '')
    for other in spellings[1:]:
        pairs = zip(column(records, first), column(records, other), strict=True)
        count = sum(a is not ABSENT and b is not ABSENT and a != b for a, b in pairs)
        if count:
            where = f'{first} is read, {other} is not ({count} {part})'
            yield Problem(kind, where, is_error=False)
