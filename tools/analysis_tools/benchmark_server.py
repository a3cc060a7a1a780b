#!/usr/bin/env python
"""Measure how many searches `mmps serve` answers beside the gallery asked directly.

People are drawn, the network answers at once: what is measured is the server. Clients and server
share the machine.

examples:
  python tools/analysis_tools/benchmark_server.py
  # ten minutes of mixed requests: does the memory grow?
  python tools/analysis_tools/benchmark_server.py --mixed 600
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

import numpy as np

from mmps.benchmarks.gallery import fill
from mmps.benchmarks.own_process import in_own_process
from mmps.benchmarks.server import add_still, client, load, query_texts, resident, served
from mmps.command_line import report_user_errors, teaching_parser
from mmps.files import write_json


def parse_args() -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    parser.add_argument('--people', type=int, default=100_000, metavar='N', help='rows')
    parser.add_argument('--dimension', type=int, default=256, metavar='D', help='of an embedding')
    parser.add_argument('--clients', type=int, default=4, metavar='N', help='that ask together')
    parser.add_argument('--seconds', type=float, default=20, metavar='S', help='of searches')
    parser.add_argument(
        '--rounds', type=int, default=3, metavar='N', help='bare and served in turn'
    )
    parser.add_argument(
        '--mixed', type=float, default=0, metavar='S', help='seconds of mixed requests'
    )
    parser.add_argument(
        '--out', type=Path, metavar='JSON', help='also write all figures here (default: none)'
    )
    return parser.parse_args()


def search(own: Any, rng: random.Random, texts: list[str], **further: Any) -> None:
    own.post('/v1/search', json={'embeddings': [rng.choice(texts)], **further}).raise_for_status()


def measure_searches(path: str, args: argparse.Namespace) -> list[dict[str, float]]:
    texts = query_texts(args.dimension)
    rounds = []
    with served(path) as (_, address):
        for _ in range(args.rounds):
            bare = in_own_process('mmps.benchmarks.server:bare_seconds', path=path, repeats=200)
            load(address, args.clients, 2, lambda own, rng: search(own, rng, texts))
            begin = time.perf_counter()
            taken = load(
                address, args.clients, args.seconds, lambda own, rng: search(own, rng, texts)
            )
            rate = len(taken) / (time.perf_counter() - begin)
            rounds.append(
                {
                    'bare_per_second': len(bare) / sum(bare),
                    'bare_median': float(np.median(bare)),
                    'served_per_second': rate,
                    'served_median': float(np.median(taken)),
                    'served_95': float(np.quantile(taken, 0.95)),
                }
            )
    return rounds


def measure_mixed(path: str, args: argparse.Namespace, public: int) -> list[tuple[float, int]]:
    from PIL import Image

    texts = query_texts(args.dimension)
    out = io.BytesIO()
    Image.new('RGB', (640, 480), 'grey').save(out, 'JPEG')

    def ask(own: Any, rng: random.Random) -> None:
        kind = rng.random()
        if kind < 0.5:
            search(own, rng, texts, offset=rng.randrange(200), limit=rng.randrange(1, 100))
        elif kind < 0.7:
            search(own, rng, texts, since=1e9 + rng.randrange(200), min_score=rng.random())
        elif kind < 0.75:
            own.get(f'/v1/timeline?bins={rng.randrange(1, 200)}').raise_for_status()
        elif kind < 0.85:
            own.post('/v1/people', files={'image': out.getvalue()}).raise_for_status()
        elif kind < 0.95:
            own.get(f'/v1/people/{public}/scene?width={rng.randrange(64, 900)}').raise_for_status()
        else:
            assert own.get('/v1/people/7').status_code == 404

    samples: list[tuple[float, int]] = []
    with served(path) as (process, address):
        done = threading.Event()

        def watch() -> None:
            begin = time.perf_counter()
            while not done.wait(5):
                samples.append((time.perf_counter() - begin, resident(process.pid)))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            load(address, args.clients, args.mixed, ask)
        finally:
            done.set()
            watcher.join()
    return samples


def same_after_kill(path: str, dimension: int) -> bool:
    """Kill a server in the middle of answers; check that the next one answers the same."""
    texts = query_texts(dimension, 16)

    def answers(address: str) -> list[Any]:
        with client(address) as own:
            return [own.post('/v1/search', json={'embeddings': [t]}).json() for t in texts]

    with served(path) as (process, address):
        before = answers(address)
        asking = threading.Thread(
            target=lambda: _ignore(
                lambda: load(address, 4, 5, lambda own, rng: search(own, rng, texts))
            )
        )
        asking.start()
        time.sleep(0.5)
        process.kill()
        asking.join()
    with served(path) as (_, address):
        return answers(address) == before


def _ignore(call: Any) -> None:
    import httpx

    with contextlib.suppress(httpx.HTTPError):  # the server is dead
        call()


def report(rounds: list[dict[str, float]], clients: int) -> None:
    print(
        '| round | bare, searches/s | served, searches/s | share | bare, ms '
        '| 95 of 100 served within, ms | 1.5 x 4 bare + 20 ms |'
    )
    print('|--:|--:|--:|--:|--:|--:|--:|')
    for number, r in enumerate(rounds, start=1):
        share = r['served_per_second'] / r['bare_per_second']
        bound = 1.5 * clients * r['bare_median'] * 1000 + 20
        print(
            f'| {number} | {r["bare_per_second"]:.1f} | {r["served_per_second"]:.1f} | {share:.2f} '
            f'| {1000 * r["bare_median"]:.1f} | {1000 * r["served_95"]:.1f} | {bound:.1f} |'
        )


def main() -> None:
    from PIL import Image

    args = parse_args()
    with TemporaryDirectory() as folder:
        path = Path(folder) / 'drawn.mmps'
        fill(path, args.people, args.dimension)
        Image.effect_noise((960, 720), 80).convert('RGB').save(Path(folder) / 'still.jpg')
        public = add_still(path, Path(folder) / 'still.jpg')
        rounds = measure_searches(str(path), args)
        report(rounds, args.clients)
        same = same_after_kill(str(path), args.dimension)
        print(f'after kill -9 and a restart answers are {"the same" if same else "DIFFERENT"}')
        samples = measure_mixed(str(path), args, public) if args.mixed else []
    for seconds, size in samples[:: max(1, len(samples) // 10)]:
        print(f'{seconds:6.0f} s  {size / 1e6:,.0f} MB')
    if args.out:
        write_json(args.out, {'rounds': rounds, 'same_after_kill': same, 'memory': samples})


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
