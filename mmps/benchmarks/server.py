"""How many searches a server answers, and how fast, beside the gallery asked directly."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import numpy as np

from mmps.gallery import GalleryModel, Progress, Rows, Where, open_gallery
from mmps.structures import FoundPeople

from .gallery import MODEL, drawn_batches

SERVE = (
    'import sys; from mmps.benchmarks.server import serve_drawn; '
    'serve_drawn(sys.argv[1], int(sys.argv[2]))'
)
TOKEN = 'drawn-for-a-benchmark'


class DrawnInferencer:
    """Finds three people with drawn embeddings in each image, in no time.

    Args:
        dimension: Of an embedding.
    """

    calibration = None

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.people = next(drawn_batches(3, dimension, seed=1)).vectors

    def gallery_model(self) -> GalleryModel:
        """Describe the model of drawn galleries."""
        return GalleryModel(MODEL, self.dimension)

    def find(self, images: list[np.ndarray]) -> list[FoundPeople]:
        """Find the three."""
        boxes = np.array([[1, 1, 20, 50], [30, 1, 50, 50], [60, 1, 80, 50]], np.float32)
        return [FoundPeople(None, boxes, np.ones(3, np.float32), self.people) for _ in images]

    def embed(self, image: np.ndarray, boxes: list[list[float]]) -> np.ndarray:
        """Embed the first of the three."""
        return self.people[: len(boxes)]


def add_still(path: Path, image: Path) -> int:
    """Add a person of an image that exists to a drawn gallery; return the id.

    Args:
        path: Of the gallery.
        image: Its file.
    """
    with open_gallery(path, mode='w') as gallery:
        status = image.stat()
        state = Progress(
            str(image), 'still', status.st_size, status.st_mtime_ns, finished=True, camera='gate'
        )
        drawn = next(drawn_batches(1, gallery.info.model.dimension, seed=3))
        columns = {'source': [str(image)], 'frame': [-1], 'slot': [0], 'camera': ['gate']}
        fields = ('vectors', 'scores', 'time')
        rows = Rows(
            **{name: getattr(drawn, name) for name in fields}, boxes=[[5, 5, 60, 110]], **columns
        )
        return int(gallery.add(rows, [state])[0])


def serve_drawn(path: str, port: int) -> None:
    """Serve a drawn gallery until the process is stopped.

    Args:
        path: Of the gallery.
        port: On the loopback.
    """
    from mmps.server.app import create_app
    from mmps.server.running import listen, serve
    from mmps.server.service import Service
    from mmps.server.settings import Settings

    with open_gallery(path) as gallery, listen('127.0.0.1', port) as taken:
        service = Service(
            gallery,
            DrawnInferencer(gallery.info.model.dimension),
            Settings(token=TOKEN, rate=0.0),
        )
        port_text = f'{taken.getsockname()[1]}\n'
        serve(create_app(service), taken, ready=lambda: _say(port_text))


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


@contextmanager
def served(path: str, port: int = 0) -> Any:
    """Run a server of a drawn gallery in a process of its own.

    Args:
        path: Of the gallery.
        port: Of the server; 0 for any free one.

    Yields:
        Process, and address.
    """
    with Popen([sys.executable, '-c', SERVE, path, str(port)], stdout=PIPE, text=True) as process:
        try:
            yield process, f'http://127.0.0.1:{int(process.stdout.readline())}'
        finally:
            process.terminate()
            process.wait(60)


def client(address: str) -> Any:
    """Return a client that knows the token.

    Args:
        address: Of the server.
    """
    import httpx

    headers = {'Authorization': f'Bearer {TOKEN}'}
    return httpx.Client(base_url=address, headers=headers, timeout=60)


def query_texts(dimension: int, count: int = 64) -> list[str]:
    """Draw queries, written as a client sends them.

    Args:
        dimension: Of an embedding.
        count: How many.
    """
    from mmps.server.embeddings import write_embedding

    return [write_embedding(v) for v in next(drawn_batches(count, dimension, seed=2)).vectors]


def bare_seconds(path: str, repeats: int, k: int = 21) -> list[float]:
    """Search a gallery directly, one query after the other.

    Args:
        path: Of the gallery.
        repeats: Number of searches.
        k: Hits wanted.

    Returns:
        Seconds of each.
    """
    seconds = []
    with open_gallery(path) as gallery:
        queries = next(drawn_batches(64, gallery.info.model.dimension, seed=2)).vectors
        gallery.search(queries[:1], k, Where())
        for at in range(repeats):
            begin = time.perf_counter()
            gallery.search(queries[at % len(queries)][None], k, Where())
            seconds.append(time.perf_counter() - begin)
    return seconds


def load(
    address: str, clients: int, seconds: float, ask: Callable[[Any, random.Random], None]
) -> list[float]:
    """Let clients ask one request after the other.

    Args:
        address: Of the server.
        clients: How many ask at the same time.
        seconds: For so long.
        ask: Sends one request; called with the client and its own random numbers.

    Returns:
        Seconds of each answer.
    """
    taken: list[float] = []
    errors: list[Exception] = []
    until = time.perf_counter() + seconds

    def run(number: int) -> None:
        rng = random.Random(number)
        try:
            with client(address) as own:
                while time.perf_counter() < until and not errors:
                    begin = time.perf_counter()
                    ask(own, rng)
                    taken.append(time.perf_counter() - begin)
        except Exception as error:  # raised again in the thread that measures
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return taken


def resident(pid: int) -> int:
    """Return the memory of a process that is in RAM, in bytes.

    Args:
        pid: Of the process.
    """
    for line in Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('VmRSS:'):
            return int(line.split()[1]) * 1024
    return 0
