"""People of the gallery: what is known of them, their images, the moments around them, files."""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from mmps.gallery import Progress
from mmps.gallery.exporting import describe, write_table
from mmps.gallery.moments import moments_around
from mmps.visualization.evidence import write_evidence

from .. import schemas
from ..problems import Refused, documented
from ..scenes import crop_file, scene_file
from ..service import Service
from .sharing import service_of

router = APIRouter(tags=['people'], responses=documented(404))

JPEG = {200: {'content': {'image/jpeg': {'schema': {'type': 'string', 'format': 'binary'}}}}}
KEPT = {'Cache-Control': 'private, max-age=600'}
FORMS = {'json': 'application/json', 'csv': 'text/csv', 'evidence': 'application/zip'}


async def _person(service: Service, public: str) -> tuple[Any, dict[str, Any]]:
    rows = await service.rows([int(public)])
    return rows, next(describe(rows))


@router.get('/people/{id}', response_model=schemas.Person)
async def person(request: Request, id: schemas.PersonId) -> schemas.Person:
    """Describe a person of the gallery."""
    _, described = await _person(service_of(request), id)
    return schemas.Person(**described)


@router.get('/people/{id}/crop', response_class=Response, responses=JPEG)
async def crop(
    request: Request,
    id: schemas.PersonId,
    height: Annotated[int, Query(ge=16, le=1024)] = 256,
) -> Response:
    """Show a person, cut out of the scene."""
    service = service_of(request)
    _, described = await _person(service, id)
    data = await service.scene(described, lambda scene: crop_file(scene, described['box'], height))
    return Response(data, media_type='image/jpeg', headers=KEPT)


@router.get('/people/{id}/scene', response_class=Response, responses=JPEG)
async def scene(
    request: Request,
    id: schemas.PersonId,
    width: Annotated[int, Query(ge=32, le=4096)] = 960,
    box: Annotated[bool, Query(description='Whether the box is drawn')] = False,
) -> Response:
    """Show the image or frame in which a person is."""
    service = service_of(request)
    _, described = await _person(service, id)
    drawn = described['box'] if box else None
    data = await service.scene(described, lambda scene: scene_file(scene, width, drawn))
    return Response(data, media_type='image/jpeg', headers=KEPT)


@router.get('/people/{id}/frames', response_model=schemas.Frames)
async def frames(
    request: Request,
    id: schemas.PersonId,
    before: Annotated[int, Query(ge=0, le=50)] = 3,
    after: Annotated[int, Query(ge=0, le=50)] = 3,
) -> schemas.Frames:
    """List the moments before and after, with everybody in them."""
    service = service_of(request)
    rows, _ = await _person(service, id)
    found, own = await service.ask(lambda gallery: moments_around(gallery, rows, before, after))
    states = (await service.places()).states
    named = ('source', 'frame', 'time', 'camera')
    moments = [
        schemas.Frame(
            **{name: people[0][name] for name in named},
            **_size(states.get(people[0]['source'])),
            people=[schemas.Person(**each) for each in people],
        )
        for people in found
    ]
    return schemas.Frames(frames=moments, own=own)


def _size(state: Progress | None) -> dict[str, int]:
    return {'width': state.width if state else 0, 'height': state.height if state else 0}


@router.post(
    '/export',
    response_class=Response,
    responses={
        200: {'content': {form: {'schema': {'type': 'string'}} for form in FORMS.values()}},
    },
)
async def export(request: Request, body: schemas.Export) -> Response:
    """Write people as JSON, CSV, or a folder of scenes and crops (ZIP)."""
    service = service_of(request)
    rows = await service.rows([int(kept.id) for kept in body.people])
    hits = [
        {'rank': rank, 'similarity': kept.similarity, 'verdict': kept.verdict, **row}
        for rank, (kept, row) in enumerate(zip(body.people, describe(rows), strict=True), start=1)
    ]
    data = await _exported(service, hits, body.format)
    ending = 'zip' if body.format == 'evidence' else body.format
    headers = {'Content-Disposition': f'attachment; filename="people.{ending}"'}
    return Response(data, media_type=FORMS[body.format], headers=headers)


async def _exported(service: Service, hits: list[dict[str, Any]], form: str) -> bytes:
    if form == 'json':
        return json.dumps({'hits': hits}, ensure_ascii=False, indent=2).encode()
    if form == 'csv':
        out = io.StringIO()
        write_table(hits, out, ('rank', 'similarity', 'verdict'))
        return out.getvalue().encode()
    scenes = [await _scene_or_none(service, hit) for hit in hits]
    return await asyncio.to_thread(_evidence, hits, scenes)


def _evidence(hits: list[dict[str, Any]], scenes: list[np.ndarray | None]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_evidence(Path(folder), {'hits': hits}, scenes)
        return _zipped(Path(folder))


async def _scene_or_none(service: Service, hit: dict[str, Any]) -> np.ndarray | None:
    try:
        return await service.scene(hit, lambda scene: scene)
    except Refused as error:
        if error.status_code != 404:
            raise
        hit['problem'] = error.detail
        return None


def _zipped(folder: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f'evidence/{path.name}')
    return out.getvalue()
