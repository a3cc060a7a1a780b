"""The application: routes, page, guards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import HTTPBearer
from starlette.responses import FileResponse, Response

from mmps.version import __version__

from .guards import Guards
from .jobs import Jobs, Write
from .metrics import Metrics
from .problems import Problem, add_handlers, missing
from .routes import about, changes, people, search
from .service import Service

PAGE = Path(__file__).parent / 'page'
TYPES = {
    '.html': 'text/html',
    '.js': 'text/javascript',
    '.css': 'text/css',
    '.svg': 'image/svg+xml',
}


def create_app(service: Service, write: Write | None = None) -> FastAPI:
    """Build the application.

    Args:
        service: What routes ask.
        write: Opens the gallery for writing; needed where settings allow uploads.
    """
    settings = service.settings
    metrics = Metrics(service)
    jobs = None if settings.uploads is None else Jobs(service, write, settings.uploads)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        if jobs is not None:
            await jobs.start()
        yield
        service.stopping = True
        if jobs is not None:
            await jobs.stop()
        await service.stop()

    app = FastAPI(
        title='mmps',
        summary='Find a person among the people of a gallery.',
        version=__version__,
        openapi_url='/v1/openapi.json',
        docs_url=None,  # their scripts come from another host
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service, app.state.metrics, app.state.jobs = service, metrics, jobs
    add_handlers(app)
    _add_routes(app)
    _add_page(app)
    _document_problems(app)
    app.add_middleware(Guards, settings=settings, saw=metrics.saw)
    return app


def _add_routes(app: FastAPI) -> None:
    known = Depends(HTTPBearer(auto_error=False, description='Checked before any route'))
    protected = APIRouter(prefix='/v1', dependencies=[known])
    for part in (about, search, people, changes):
        protected.include_router(part.router)
    app.include_router(about.open_router, prefix='/v1')
    app.include_router(protected)
    app.include_router(about.metrics_router, dependencies=[known])


def _add_page(app: FastAPI) -> None:
    files = {path.name: path for path in PAGE.iterdir() if path.suffix in TYPES}

    def sent(path: Path) -> Response:
        headers = {'Cache-Control': 'no-cache'}
        return FileResponse(path, media_type=TYPES[path.suffix], headers=headers)

    @app.get('/', include_in_schema=False)
    def page() -> Response:
        return sent(files['index.html'])

    @app.get('/page/{name}', include_in_schema=False)
    def part(name: str) -> Response:
        # A name is looked up among those of the package: it never becomes a path.
        if name not in files:
            raise missing('the page has no such file')
        return sent(files[name])


def _document_problems(app: FastAPI) -> None:
    """Put the form of errors into the OpenAPI document, instead of FastAPI's own."""
    build = app.openapi

    def openapi() -> dict:
        if app.openapi_schema is None:
            document = build()
            schemas = document['components']['schemas']
            schemas['Problem'] = Problem.model_json_schema()
            for name in ('HTTPValidationError', 'ValidationError'):
                schemas.pop(name, None)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi
