"""Adding images and removing people, where the server may."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile

from mmps.gallery.conditions import check_sources
from mmps.gallery.sources import parse_time
from mmps.structures import ConfigError

from .. import schemas
from ..jobs import Job, Jobs
from ..problems import Refused, documented, missing
from .sharing import safe_name, service_of, where_of

router = APIRouter(tags=['changes'], responses=documented(404))

MAX_IMAGES = 100


def _jobs_of(request: Request) -> Jobs:
    jobs = request.app.state.jobs
    if jobs is None:
        raise Refused(403, 'this server only reads its gallery: start it with --uploads DIR')
    return jobs


def _described(job: Job) -> schemas.Job:
    shown = ('id', 'kind', 'state', 'total', 'done', 'people', 'problems')
    return schemas.Job(**{name: getattr(job, name) for name in shown})


@router.post('/images', status_code=202, response_model=schemas.Job)
async def add_images(
    request: Request,
    image: Annotated[list[UploadFile], File(description='Images', max_length=MAX_IMAGES)],
    camera: Annotated[str, Form(max_length=200, description='Name of their camera')] = '',
    time: Annotated[
        str | None, Form(max_length=64, description='When they were taken (default: EXIF)')
    ] = None,
) -> schemas.Job:
    """Keep images; their people are found in the background."""
    jobs, service = _jobs_of(request), service_of(request)
    jobs.check_room()
    start = None if time is None else parse_time(time)
    images = []
    for upload in image:
        name, data = safe_name(upload), await upload.read()
        await service.decoder(data, name)  # nothing is kept that is no image
        images.append((name, data))
    job = await asyncio.to_thread(jobs.add, images, camera.strip(), start)
    return _described(jobs.queue(job))


@router.post('/removals', status_code=202, response_model=schemas.Job)
async def remove_people(request: Request, body: schemas.Removal) -> schemas.Job:
    """Remove all people who meet some conditions, in the background."""
    jobs, service = _jobs_of(request), service_of(request)
    ids = None if body.ids is None else tuple(int(public) for public in body.ids)
    sources = None if body.sources is None else tuple(body.sources)
    where = await where_of(service, body, ids=ids, sources=sources)
    if not where.given:
        raise ConfigError('say which people: ids, sources, cameras, since, until or min_score')
    await service.ask(lambda gallery: check_sources(gallery, sources))
    if body.dry_run:
        people = await service.ask(lambda gallery: gallery.count(where))
        return _described(Job('remove', 1, state='done', done=1, people=people))
    jobs.check_room()
    return _described(jobs.remove(where))


@router.get('/jobs', response_model=schemas.Jobs)
async def all_jobs(request: Request) -> schemas.Jobs:
    """List the jobs since the server started, the latest first."""
    return schemas.Jobs(jobs=[_described(job) for job in reversed(_jobs_of(request).jobs.values())])


@router.get('/jobs/{id}', response_model=schemas.Job)
async def one_job(request: Request, id: str) -> schemas.Job:
    """Describe how far a job is."""
    known = _jobs_of(request).jobs.get(id)
    if known is None:
        raise missing('there is no such job; jobs of an earlier server are not remembered')
    return _described(known)
