r"""Serve a gallery to people without a terminal, by a page, and to programs, by an HTTP API.

The page is at the address that is printed. The API is described at /v1/openapi.json.

examples:
  mmps serve people.mmps
  # others of the network, who know the token; a proxy on this machine adds TLS
  MMPS_TOKEN=$(openssl rand -hex 16) mmps serve people.mmps --behind-proxy search.example.org
  # images may be added and people removed
  mmps serve people.mmps --uploads added/
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from .galleries import add_gallery
from .models import add_model_options, load_inferencer

if TYPE_CHECKING:
    from mmps.server.settings import Settings

LOOPBACK = ('localhost', '127.0.0.1', '::1')
ANY = ('0.0.0.0', '::')


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_gallery(parser)
    add_model_options(parser, remembered=True)
    parser.add_argument('--host', default='127.0.0.1', help='address that is listened to')
    parser.add_argument('--port', type=int, default=8000, help='0: any free one')
    token = parser.add_mutually_exclusive_group()
    token.add_argument(
        '--token',
        metavar='T',
        help='who asks must know it (default: $MMPS_TOKEN, which other users of this machine do '
        'not see, otherwise one is drawn)',
    )
    token.add_argument(
        '--no-token', action='store_true', help='answer everybody who reaches this address'
    )
    parser.add_argument(
        '--allow-host',
        nargs='+',
        default=[],
        metavar='NAME',
        help='further names under which this server is reached',
    )
    parser.add_argument(
        '--behind-proxy',
        metavar='NAME',
        help='a proxy on this machine serves it under this name and says who asks',
    )
    parser.add_argument(
        '--uploads',
        metavar='DIR',
        help='let clients add images, which are kept here, and remove people (default: the '
        'gallery is only read)',
    )
    parser.add_argument(
        '--audit-log',
        metavar='F.jsonl',
        help='write down who searched for whom, before the hits are answered (default: the file '
        'that MMPS_AUDIT_LOG names, if any)',
    )
    parser.add_argument('--max-upload', type=float, default=20, metavar='MB', help='of a request')
    parser.add_argument(
        '--max-pixels', type=float, default=50, metavar='MP', help='of an image, in millions'
    )
    parser.add_argument(
        '--rate',
        type=float,
        default=50,
        metavar='N',
        help='requests a second from one address; 0: any number',
    )
    parser.add_argument(
        '--calibration',
        metavar='F.json',
        help='calibration.json of tools/test.py (default: the one that the model carries, if any)',
    )


def run(options: argparse.Namespace) -> None:
    """Serve until interrupted."""
    check_extra()
    from mmps.evaluation.calibration import Calibration
    from mmps.gallery import open_gallery
    from mmps.server.app import create_app
    from mmps.server.running import listen, serve
    from mmps.server.service import Service

    settings = settings_of(options)
    given = None if options.calibration is None else Calibration.load(options.calibration)
    with open_gallery(options.gallery) as gallery, listen(options.host, options.port) as taken:
        inferencer = load_inferencer(options, gallery.info)
        service = Service(gallery, inferencer, settings, given)
        app = create_app(service, lambda: open_gallery(options.gallery, mode='w'))
        count, port = gallery.count(), taken.getsockname()[1]

        def announce() -> None:
            print(f'{gallery.info.where}: {count:,} people')
            print(f'open {address(options, port, settings.token)}')
            print('Ctrl+C stops', flush=True)

        serve(app, taken, options.behind_proxy is not None, announce)


def check_extra() -> None:
    """Refuse to begin without the packages of the extra.

    Raises:
        ConfigError: One is missing.
    """
    from importlib.util import find_spec

    from mmps.structures import ConfigError

    for name in ('fastapi', 'uvicorn', 'python_multipart', 'prometheus_client'):
        if find_spec(name) is None:
            raise ConfigError(f'{name} is not installed: pip install "mmps[serve]"')


def settings_of(options: argparse.Namespace) -> Settings:
    """Check what the options allow.

    Args:
        options: As parsed.

    Raises:
        ConfigError: A number makes no sense, or a token is too short to be one.
    """
    from mmps.gallery.audit import AuditLog
    from mmps.server.settings import Settings
    from mmps.structures import ConfigError

    if min(options.max_upload, options.max_pixels) <= 0 or options.rate < 0:
        raise ConfigError('--max-upload and --max-pixels must be above 0, --rate 0 or more')
    token = options.token if options.token is not None else os.environ.get('MMPS_TOKEN')
    if options.no_token:
        token = None
    elif token is None:
        token = secrets.token_urlsafe(24)
    elif len(token) < 8 or not all('!' <= c <= '~' for c in token):
        raise ConfigError(
            '--token needs at least 8 letters, digits or signs without spaces; --no-token answers '
            'everybody'
        )
    return Settings(
        token=token,
        hosts=frozenset(name.lower() for name in _hosts(options)),
        audit=AuditLog.of(options.audit_log),
        uploads=None if options.uploads is None else Path(options.uploads),
        max_bytes=round(options.max_upload * 1e6),
        max_pixels=round(options.max_pixels * 1e6),
        rate=options.rate,
        burst=max(1, round(6 * options.rate)),
    )


def _hosts(options: argparse.Namespace) -> set[str]:
    names = {*LOOPBACK, *options.allow_host}
    names |= {options.behind_proxy} if options.behind_proxy else set()
    if options.host not in ANY:
        return names | {options.host}
    own = socket.gethostname()
    names |= {own, socket.getfqdn()}
    with contextlib.suppress(OSError):  # of a machine that does not know its own name
        names |= {str(found[4][0]) for found in socket.getaddrinfo(own, None)}
    return names


def address(options: argparse.Namespace, port: int, token: str | None) -> str:
    """Return the address of the page; a browser keeps what is behind # to itself.

    Args:
        options: As parsed.
        port: That is listened to.
        token: Of the server.
    """
    host = socket.gethostname() if options.host in ANY else options.host
    host = f'[{host}]' if ':' in host else host
    place = f'https://{options.behind_proxy}' if options.behind_proxy else f'http://{host}:{port}'
    return f'{place}/' + ('' if token is None else f'#token={token}')
