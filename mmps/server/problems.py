"""Errors as problem documents (RFC 9457), with the sentences of the command line."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from mmps.structures import UserError

MEDIA_TYPE = 'application/problem+json'


class Problem(BaseModel):
    """What is wrong with a request, and the fix."""

    type: str = Field('about:blank', description='Always about:blank: the status is the kind')
    title: str = Field(description='Name of the status')
    status: int
    detail: str = Field(description='One sentence that names the cause and the fix')


class Refused(HTTPException):
    """A request that is not answered.

    Args:
        status: Of HTTP.
        detail: One sentence.
        retry_after: Seconds until another try is worth it.
    """

    def __init__(self, status: int, detail: str, retry_after: float | None = None) -> None:
        wait = None if retry_after is None else {'Retry-After': str(max(1, math.ceil(retry_after)))}
        super().__init__(status, detail, wait)


def busy(what: str, retry_after: float = 1.0) -> Refused:
    """Send a request away until later.

    Args:
        what: Is too busy, in words.
        retry_after: Seconds.
    """
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, f'{what}: try again later', retry_after)


def missing(what: str) -> Refused:
    """Say that there is no such thing.

    Args:
        what: Whole sentence.
    """
    return Refused(HTTPStatus.NOT_FOUND, what)


def problem_response(
    status: int, detail: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Build the answer of an error.

    Args:
        status: Of HTTP.
        detail: One sentence.
        headers: Further ones.
    """
    content = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail).model_dump()
    return JSONResponse(content, status, headers, media_type=MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the errors of a route to the OpenAPI document.

    Args:
        *statuses: Beside those that every route may answer with.
    """
    common = (400, 401, 403, 408, 413, 421, 422, 429, 503)
    schema = {'schema': {'$ref': '#/components/schemas/Problem'}}
    return {
        status: {'description': HTTPStatus(status).phrase, 'content': {MEDIA_TYPE: schema}}
        for status in sorted({*common, *statuses})
    }


def add_handlers(app: FastAPI) -> None:
    """Answer all errors of an application with problem documents."""

    @app.exception_handler(UserError)
    def of_user(request: Request, error: UserError) -> JSONResponse:
        return problem_response(422, str(error))

    @app.exception_handler(RequestValidationError)
    def of_form(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem_response(422, validation_sentence(error.errors()))

    @app.exception_handler(HTTPException)
    def of_http(request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers or {})
        return problem_response(error.status_code, str(error.detail), headers)

    @app.exception_handler(Exception)
    def of_ours(request: Request, error: Exception) -> JSONResponse:
        return problem_response(500, 'the server failed; its log says where')


def validation_sentence(errors: list[Any]) -> str:
    """Write what is wrong with the fields of a request.

    Args:
        errors: Of pydantic.
    """
    found = []
    for error in errors[:3]:
        place = '.'.join(str(part) for part in error['loc'][1:]) or str(error['loc'][0])
        found.append(f'{place[:100]}: {error["msg"]}')
    more = f' (and {len(errors) - 3} more)' if len(errors) > 3 else ''
    return '; '.join(found) + more
