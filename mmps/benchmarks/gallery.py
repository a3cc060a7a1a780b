"""How fast a gallery is filled, opened and searched, beside a bare product of the same size."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmps.gallery import GalleryModel, Hits, Progress, Rows, Where, open_gallery

from .timing import interleaved, quartiles

CAMERAS = 100
BATCH = 500
"""Rows stored together; each batch is on disk before the next one begins."""

CLUSTER = 50
"""Rows of one drawn person."""

MODEL = 'drawn for a benchmark'


def drawn_batches(rows: int, dimension: int, seed: int = 0) -> Iterator[Rows]:
    """Draw people: unit vectors around one direction per person, one camera per batch.

    Args:
        rows: How many in all.
        dimension: Size of an embedding.
        seed: Of the random numbers.
    """
    rng = np.random.default_rng(seed)
    for start in range(0, rows, BATCH):
        count = min(BATCH, rows - start)
        people = rng.normal(size=(-(-count // CLUSTER), dimension)).repeat(CLUSTER, axis=0)
        vectors = people[:count] + rng.normal(scale=0.7, size=(count, dimension))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        number = start // BATCH
        yield Rows(
            vectors=vectors,
            boxes=rng.uniform(0, 1000, size=(count, 4)),
            scores=rng.uniform(size=count),
            source=[f'{number % CAMERAS}.mp4'] * count,
            frame=np.full(count, number // CAMERAS),
            slot=np.arange(count),
            time=1e9 + np.full(count, number) + np.arange(count) / BATCH,
            camera=[f'camera {number % CAMERAS}'] * count,
        )


def fill(
    path: Path | str, rows: int, dimension: int, on_batch: Callable[[], object] = lambda: None
) -> float:
    """Write a gallery and measure how many rows a second are added, drawing them left out.

    Args:
        path: Of the new file, or address of a new gallery on a server.
        rows: How many.
        dimension: Size of an embedding.
        on_batch: Called after each batch.
    """
    seconds = 0.0
    with open_gallery(path, model=GalleryModel(MODEL, dimension), mode='w') as gallery:
        for batch in drawn_batches(rows, dimension):
            source = batch.source[0]
            begin = time.perf_counter()
            gallery.add(batch, [Progress(source, source, last_frame=int(batch.frame[0]))])
            seconds += time.perf_counter() - begin
            on_batch()
    return rows / seconds


def measure_search(path: str, repeats: int, k: int = 100) -> dict[str, Any]:
    """Open a gallery, then search it and multiply a bare matrix of its size, in turn.

    Args:
        path: Of a gallery that :func:`fill` made, or its address.
        repeats: Rounds.
        k: Hits wanted.

    Returns:
        ``open`` seconds to the first answer, ``memory`` bytes by which the process grew then,
        ``rows``, and ``low``, ``median`` and ``high`` seconds of a ``bare`` product, of a query to
        ``all`` rows, with a filter that lets 1 % pass (``one_percent``), and with one that lets
        half pass.
    """
    query = next(drawn_batches(1, _dimension(path), seed=1)).vectors
    before, begin = _resident(), time.perf_counter()
    with open_gallery(path) as gallery:
        gallery.search(query, k)
        opened, grown = time.perf_counter() - begin, _resident() - before
        rows = gallery.count()
        dimension = query.shape[1]
        matrix, vector = torch.rand(rows, dimension), torch.from_numpy(query[0])
        half = Where(since=1e9 + rows // BATCH // 2)
        jobs = {
            'bare': lambda: torch.mv(matrix, vector),
            'all': lambda: gallery.search(query, k),
            'one_percent': lambda: gallery.search(query, k, Where(cameras=['camera 7'])),
            'half': lambda: gallery.search(query, k, half),
        }
        seconds = interleaved(jobs, repeats, warm_up=1)
    measured = {name: asdict(quartiles(values)) for name, values in seconds.items()}
    return {'rows': rows, 'open': opened, 'memory': grown, **measured}


def is_exact(path: Path, queries: int = 20, k: int = 100) -> bool:
    """Check that hits are those of a product over all rows, similarity by similarity.

    Args:
        path: Of a gallery.
        queries: How many are tried.
        k: Hits of each.
    """
    with open_gallery(path) as gallery:
        rows = Rows.joined(gallery.rows(vectors=True, batch=1 << 16))
        drawn = next(drawn_batches(queries, rows.vectors.shape[1], seed=2)).vectors
        for hits, query in zip(gallery.search(drawn, k), drawn, strict=True):
            products = rows.vectors @ query
            if not np.allclose(hits.similarities, np.sort(products)[::-1][:k], atol=1e-5):
                return False
    return True


def agreement(places: list[str], queries: int = 100, k: int = 100) -> float:
    """Compare the hits of galleries that hold the same people, with and without filters.

    Args:
        places: Paths or addresses.
        queries: How many are tried, each with every filter.
        k: Hits of each.

    Returns:
        The largest difference of similarity at which a hit of one gallery is missing, or stands
        elsewhere, in another one: 0 where all hits are the same in the same order, ``inf`` where
        numbers of hits differ.
    """
    with ExitStack() as stack:
        galleries = [stack.enter_context(open_gallery(place)) for place in places]
        drawn = next(drawn_batches(queries, galleries[0].info.model.dimension, seed=2)).vectors
        rows = galleries[0].count()
        half = Where(since=1e9 + rows // BATCH // 2)
        filters = (None, half, Where(cameras=['camera 7']), Where(min_score=0.9, until=half.since))
        worst = 0.0
        for where in filters:
            answers = [gallery.search(drawn, k, where) for gallery in galleries]
            for first, *others in zip(*answers, strict=True):
                worst = max([worst, *(_swap(first, other) for other in others)])
    return worst


def _swap(first: Hits, other: Hits) -> float:
    """Find the largest difference of similarity at which two lists of hits differ."""
    if len(first) != len(other):
        return math.inf
    changed = first.rows.ids != other.rows.ids
    differences = np.abs(first.similarities - other.similarities)
    return float(differences[changed].max(initial=0.0)) + 0.0


def table(rate: float, measured: dict[str, Any]) -> str:
    """Write what was measured as a table.

    Args:
        rate: Rows a second, from :func:`fill`.
        measured: From :func:`measure_search`.
    """
    bare = measured['bare']['median']
    lines = [
        f'{measured["rows"]:,} people: {rate:,.0f} added a second, in batches of {BATCH} that are '
        f'on disk; opened and searched in {measured["open"]:.1f} s, with '
        f'{measured["memory"] / 1e9:.2f} GB of memory',
        '',
        '| one query | ms, median (quartiles) | times the bare product |',
        '|---|--:|--:|',
    ]
    names = {'bare': 'bare fp32 product', 'all': 'all people', 'one_percent': 'filter: 1 % pass'}
    for key, name in {**names, 'half': 'filter: 50 % pass'}.items():
        low, median, high = (measured[key][part] for part in ('low', 'median', 'high'))
        times = f'{1000 * median:.1f} ({1000 * low:.1f} to {1000 * high:.1f})'
        lines.append(f'| {name} | {times} | {median / bare:.2f} |')
    return '\n'.join(lines) + '\n'


def _dimension(path: str) -> int:
    with open_gallery(path) as gallery:
        return gallery.info.model.dimension


def _resident() -> int:
    """Memory of this process that is in RAM, in bytes; 0 where the system does not tell."""
    try:
        pages = int(Path('/proc/self/statm').read_text().split()[1])
    except OSError:
        return 0
    return pages * 4096
