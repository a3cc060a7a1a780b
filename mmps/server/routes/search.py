"""People of uploads, and searches."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import ValidationError

from mmps.apis.queries import number_people, pick_person
from mmps.gallery import Where
from mmps.retrieval.feedback import refined_query
from mmps.structures import DataError

from .. import schemas
from ..embeddings import read_embedding, write_embedding
from ..problems import documented, validation_sentence
from ..service import Service
from .sharing import page_of_hits, service_of, uploaded_pixels, where_of

router = APIRouter(tags=['search'], responses=documented(404))

Upload = Annotated[UploadFile, File(description='An image')]


@router.post('/people', response_model=schemas.FoundPeople)
async def people_of_image(
    request: Request,
    image: Upload,
    min_score: Annotated[float, Form(ge=0, le=1, description='Smallest detection score')] = 0.3,
) -> schemas.FoundPeople:
    """Find the people of an image; nothing of it is kept."""
    service = service_of(request)
    pixels, name = await uploaded_pixels(service, image)
    people = await service.find(pixels)
    numbered, order = number_people(people)
    found = [
        schemas.FoundPerson(**person, embedding=write_embedding(people.embeddings[i]))
        for person, i in zip(numbered, order, strict=True)
        if person['score'] >= min_score
    ]
    height, width = pixels.shape[:2]
    return schemas.FoundPeople(image=name, width=width, height=height, people=found)


@router.post('/search', response_model=schemas.Hits)
async def search_by_examples(request: Request, body: schemas.SearchBody) -> schemas.Hits:
    """Search by embeddings of uploads, by people of the gallery, and away from rejected ones."""
    service = service_of(request)
    dimension = service.gallery.info.model.dimension
    vectors = [read_embedding(text, dimension) for text in body.embeddings]
    confirmed = [int(public) for public in body.confirmed]
    rejected = [int(public) for public in body.rejected]
    if not vectors and not confirmed:
        raise DataError('nobody is searched: give embeddings, or confirmed people')
    if overlap := set(confirmed) & set(rejected):
        raise DataError(f'person {min(overlap)} is both confirmed and rejected')
    if confirmed or rejected:
        known = await service.rows(list(dict.fromkeys([*confirmed, *rejected])), vectors=True)
        is_confirmed = np.isin(known.ids, confirmed)
        vectors.append(known.vectors[is_confirmed])
        away = known.vectors[~is_confirmed]
    else:
        away = None
    vector = refined_query(np.concatenate(vectors), away)
    left_out = {'not_ids': tuple(sorted(rejected))} if rejected else {}
    where = await where_of(service, body, **left_out)
    asked = [{'person': public, 'verdict': 'same'} for public in body.confirmed]
    asked += [{'person': public, 'verdict': 'other'} for public in body.rejected]
    asked += [{'embedding': text} for text in body.embeddings]
    answer = await _answer(service, vector, body, where, [])
    return await _audited(request, asked, where, answer)


@router.post('/search/image', response_model=schemas.Hits)
async def search_by_image(
    request: Request,
    image: Upload,
    box: Annotated[
        str | None, Form(max_length=200, description='Corners of the person: x1,y1,x2,y2')
    ] = None,
    pick: Annotated[int | None, Form(ge=1, le=10_000, description='Number of the person')] = None,
    crop: Annotated[bool, Form(description='The image shows the person alone')] = False,
    conditions: Annotated[
        str | None,
        Form(
            max_length=100_000,
            description='Conditions and page as JSON, such as {"cameras": ["north"], "limit": 5}',
        ),
    ] = None,
) -> schemas.Hits:
    """Search by an image: the person in a box, with a number, alone, or the clearest one."""
    service = service_of(request)
    paging = _paging(conditions)
    corners = None if box is None else _corners(box)
    where = await where_of(service, paging)
    pixels, name = await uploaded_pixels(service, image)
    if corners or crop:
        height, width = pixels.shape[:2]
        corners = corners or [0.0, 0.0, float(width), float(height)]
        vector = await service.embed(pixels, corners)
    else:
        query = pick_person(await service.find(pixels), name, pick)
        corners, vector = query.box, query.vector
    answer = await _answer(service, vector, paging, where, [{'image': name, 'box': corners}])
    return await _audited(request, [{'upload': name, 'box': corners}], where, answer)


async def _audited(
    request: Request, asked: list[dict[str, Any]], where: Where, answer: schemas.Hits
) -> schemas.Hits:
    """Write a search down before anybody sees its hits."""
    service = service_of(request)
    log, ids = service.settings.audit, [hit.id for hit in answer.hits]
    if log is not None:
        user = request.client.host if request.client else 'unknown'
        name = service.gallery.info.where
        await asyncio.to_thread(log.record_search, name, asked, where, ids, None, user)
    return answer


async def _answer(
    service: Service,
    vector: np.ndarray,
    paging: schemas.Paging,
    where: Where,
    images: list[dict[str, Any]],
) -> schemas.Hits:
    hits, exact, following = await page_of_hits(service, vector, paging, where)
    query = schemas.Query(embedding=write_embedding(vector), images=images)
    return schemas.Hits(query=query, hits=hits, exact=exact, next_offset=following)


def _paging(text: str | None) -> schemas.Paging:
    try:
        return schemas.Paging.model_validate_json(text or '{}')
    except ValidationError as error:
        # model_validate_json puts no place before the field's own
        errors = [{**e, 'loc': ('conditions', *e['loc'])} for e in error.errors()]
        raise DataError(f'conditions: {validation_sentence(errors)}') from None


def _corners(text: str) -> list[float]:
    try:
        numbers = json.loads(text if text.lstrip().startswith('[') else f'[{text}]')
        corners = [float(number) for number in numbers]
    except (ValueError, TypeError, OverflowError, RecursionError):
        corners = []
    if len(corners) != 4:
        raise DataError(f'box {text[:100]!r} must be x1,y1,x2,y2 in pixels')
    return corners
