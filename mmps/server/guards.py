"""Who is let in, before a request reaches any route."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import Refused, problem_response
from .rates import RateLimit
from .settings import Settings

OPEN = ('/v1/health', '/v1/ready', '/v1/openapi.json')
"""Paths that need no token, beside those of the page: they hold nothing of the gallery."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'X-Frame-Options': 'DENY',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
}
WRONG_TOKEN_COST = 20
"""Requests that a wrong token counts for."""

Saw = Callable[[str, int, float], None]


class Guards:
    """Checks each request, bounds its body, and adds headers to each answer.

    Args:
        app: Answers requests that are let in.
        settings: What is allowed.
        saw: Called with the route, the status and the seconds of each request.
    """

    def __init__(self, app: ASGIApp, settings: Settings, saw: Saw) -> None:
        self.app, self.settings, self.saw = app, settings, saw
        self.rates = RateLimit(settings.rate, settings.burst)
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope['type'] == 'lifespan':
            await self.app(scope, receive, send)
            return
        if scope['type'] != 'http':  # no route speaks anything else
            await send({'type': 'websocket.close', 'code': 1008})
            return
        begin, status = time.perf_counter(), 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message['type'] == 'http.response.start':
                status = message['status']
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault('Cache-Control', 'no-store')
            await send(message)

        try:
            self._check(scope)
        except Refused as error:
            answer = problem_response(error.status_code, error.detail, dict(error.headers or {}))
            answer.headers['Connection'] = 'close'  # its body is not read
            await answer(scope, receive, send_with_headers)
            self.saw('refused', status, time.perf_counter() - begin)
            return
        self.running += 1
        try:
            bounded = _Body(scope, receive, self.settings)
            await self.app(scope, bounded, send_with_headers)
        finally:
            self.running -= 1
            route = getattr(scope.get('route'), 'path', 'other')
            self.saw(route, status, time.perf_counter() - begin)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        check_host(headers.getlist('host'), self.settings.hosts)
        check_origin(headers)
        address = scope['client'][0] if scope.get('client') else ''
        if wait := self.rates.wait(address):
            raise Refused(429, 'too many requests from this address: try again later', wait)
        if needs_token(scope['path']):
            self._check_token(headers.getlist('authorization'), address)
        if self.running >= self.settings.max_requests:
            raise Refused(503, 'too many requests at once: try again later', 1)

    def _check_token(self, given: list[str], address: str) -> None:
        if self.settings.token is None:
            return
        kind, _, token = (given[0] if len(given) == 1 else '').partition(' ')
        right = hmac.compare_digest(token.strip().encode(), self.settings.token.encode())
        if kind.lower() == 'bearer' and right:
            return
        self.rates.charge(address, WRONG_TOKEN_COST)
        error = Refused(401, 'the token is missing or wrong: open the address that was printed')
        error.headers = {'WWW-Authenticate': 'Bearer'}
        raise error


def needs_token(path: str) -> bool:
    """Check whether a path shows anything of the gallery."""
    return path not in OPEN and (path.startswith('/v1/') or path == '/metrics')


def check_host(given: list[str], allowed: frozenset[str]) -> None:
    """Refuse requests that were meant for another host.

    Args:
        given: Values of the header.
        allowed: Names without port, in lower case.

    Raises:
        Refused: It is another one, none, or several.
    """
    try:
        name = urlsplit(f'//{given[0]}').hostname if len(given) == 1 else None
        plain = name is not None and not set(given[0]) & set('/\\@?#')
    except ValueError:
        plain = False
    if not plain or name not in allowed:
        raise Refused(421, 'this server has another name: start it with --allow-host NAME')


def check_origin(headers: Headers) -> None:
    """Refuse what pages of other sites send.

    Args:
        headers: Of a request.

    Raises:
        Refused: The page is not this server's.
    """
    origins = headers.getlist('origin')
    site = headers.get('sec-fetch-site', 'none')
    own = (f'http://{headers["host"]}'.lower(), f'https://{headers["host"]}'.lower())
    if any(origin.lower() not in own for origin in origins) or len(origins) > 1:
        raise Refused(403, 'requests of other sites are not answered')
    if site not in ('none', 'same-origin') and headers.get('sec-fetch-mode') != 'navigate':
        raise Refused(403, 'requests of other sites are not answered')


class _Body:
    """Bounds the size of a body and the time in which it comes."""

    def __init__(self, scope: Scope, receive: Receive, settings: Settings) -> None:
        headers = Headers(scope=scope)
        form = headers.get('content-type', '').lower().startswith('multipart/')
        self.limit = settings.max_bytes if form else settings.max_json_bytes
        self.limit += 65_536 if form else 0  # the other fields of the form
        self.receive, self.seconds = receive, settings.body_seconds
        self.seen, self.ended = 0, False
        self.until = time.monotonic() + settings.body_seconds
        length = headers.get('content-length', '')
        self.announced = int(length) if length.isascii() and length.isdigit() else 0

    async def __call__(self) -> Message:
        if self.ended:
            return await self.receive()
        self._check(self.announced)
        try:
            left = self.until - time.monotonic()
            message = await asyncio.wait_for(self.receive(), max(left, 0.001))
        except asyncio.TimeoutError:
            self.ended = True
            error = Refused(408, f'the request took longer than {self.seconds:g} s to arrive')
            error.headers = {'Connection': 'close'}
            raise error from None
        self.seen += len(message.get('body', b''))
        self.ended = not message.get('more_body', False)
        self._check(self.seen)
        return message

    def _check(self, size: int) -> None:
        if size > self.limit:
            self.ended = True
            error = Refused(413, f'the request has more than {self.limit:,} bytes: send less')
            error.headers = {'Connection': 'close'}
            raise error
