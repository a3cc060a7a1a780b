"""Whether the server works, and what its gallery holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from mmps.gallery.contents import timeline
from mmps.structures import UserError
from mmps.version import __version__

from .. import schemas
from ..problems import busy, documented
from .sharing import service_of, span_of, where_of

open_router = APIRouter(tags=['about'], responses=documented())
router = APIRouter(tags=['about'], responses=documented())


@open_router.get('/health', response_model=schemas.State)
async def health() -> schemas.State:
    """Say that the process runs; needs no token."""
    return schemas.State(status='alive')


@open_router.get('/ready', response_model=schemas.State)
async def ready(request: Request) -> schemas.State:
    """Say whether searches are answered; needs no token."""
    service = service_of(request)
    if service.stopping:
        raise busy('the server stops')
    try:
        await service.places()
    except UserError:  # what is wrong is for the log: anybody may ask this
        raise busy('the gallery cannot be read', 5) from None
    return schemas.State(status='ready')


@router.get('/info', response_model=schemas.Info)
async def info(request: Request) -> schemas.Info:
    """Describe the gallery and the limits of this server."""
    service = service_of(request)
    held, places = await service.held(), await service.places()
    known, settings = service.gallery.info, service.settings
    name = known.model.recipe.get('model')
    return schemas.Info(
        gallery=Path(known.where.rstrip('/')).name,
        people=held.people,
        sources=len(places.states),
        **span_of(held.span()),
        cameras=_cameras(held),
        model=None if name is None else Path(str(name)).name,
        dimension=known.model.dimension,
        calibrated=service.calibration is not None,
        editable=settings.uploads is not None,
        limits=schemas.Limits(bytes=settings.max_bytes, pixels=settings.max_pixels),
        version=__version__,
    )


@router.get('/cameras', response_model=list[schemas.Camera])
async def cameras(request: Request) -> list[schemas.Camera]:
    """List the cameras, with people and times."""
    return _cameras(await service_of(request).held())


def _cameras(held: object) -> list[schemas.Camera]:
    return [
        schemas.Camera(name=name or None, people=len(times), **span_of(held.span(name)))
        for name, times in held.times.items()
    ]


@router.get('/timeline', response_model=schemas.Timeline)
async def people_over_time(
    request: Request,
    bins: Annotated[int, Query(ge=1, le=1000)] = 100,
    camera: Annotated[list[schemas.Name] | None, Query(max_length=1000)] = None,
    since: Annotated[schemas.Time | None, Query()] = None,
    until: Annotated[schemas.Time | None, Query()] = None,
) -> schemas.Timeline:
    """Count the people of each camera in intervals of equal length."""
    service = service_of(request)
    given = schemas.Conditions(cameras=camera, since=since, until=until)
    where = await where_of(service, given)
    held = await service.held()
    counted = timeline(held, bins, where.since, where.until, where.cameras)
    return schemas.Timeline(
        edges=counted.edges.tolist(),
        cameras=[
            schemas.CameraCounts(name=name or None, counts=counts.tolist())
            for name, counts in counted.counts.items()
        ],
    )


metrics_router = APIRouter(tags=['about'], responses=documented())


@metrics_router.get(
    '/metrics',
    response_class=Response,
    responses={200: {'content': {'text/plain': {'schema': {'type': 'string'}}}}},
)
async def metrics(request: Request) -> Response:
    """Measurements in the form of Prometheus."""
    return request.app.state.metrics.answer()
