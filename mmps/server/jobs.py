"""Changes of the gallery, one after the other in the background."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmps.files import write_atomically, write_json
from mmps.gallery import Gallery, Where
from mmps.gallery.indexing import Settings as Indexing
from mmps.gallery.indexing import index
from mmps.gallery.sources import Places
from mmps.gallery.streams import remove_crops
from mmps.structures import DataError, FoundPeople, UserError

from .problems import busy
from .service import Service

PENDING = 'pending.json'
"""Lies beside images that were received and are not indexed yet."""

Write = Callable[[], Gallery]
"""Opens the gallery for writing; a context manager."""


@dataclass
class Job:
    """Work in the background.

    Attributes:
        kind: ``add`` or ``remove``.
        total: Images to look at, or 1.
        folder: Of added images.
        where: People who are removed.
        id: Of the job.
        state: ``queued``, ``running``, ``done`` or ``failed``.
        done: Images that were looked at, or 1.
        people: People added or removed so far.
        problems: Sentences about what could not be done.
    """

    kind: str
    total: int
    folder: Path | None = None
    where: Where | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: str = 'queued'
    done: int = 0
    people: int = 0
    problems: list[str] = field(default_factory=list)


class _StoppedError(Exception):
    """The server stops: what is stored stays, the rest goes on after the next start."""


class Jobs:
    """Adds images and removes people, in the order in which it was asked for.

    Images that were received are on disk before their client hears of it: a killed server goes on
    with them at its next start.

    Args:
        service: Whose network finds people.
        write: Opens the gallery for writing.
        folder: Where added images are kept.
        waiting: Jobs that may wait; further ones are sent away.
        remembered: Jobs that can be asked about when they are done.
    """

    def __init__(
        self,
        service: Service,
        write: Write,
        folder: Path,
        waiting: int = 100,
        remembered: int = 1000,
    ) -> None:
        self.service, self.write, self.folder = service, write, folder
        self.waiting, self.remembered = waiting, remembered
        self.jobs: dict[str, Job] = {}
        self._queue: asyncio.Queue[Job] = asyncio.Queue()
        self._worker: asyncio.Task | None = None
        self._stop = threading.Event()

    async def start(self) -> None:
        """Begin to work, first on what an earlier server left."""
        for pending in sorted(self.folder.glob(f'*/{PENDING}')):
            names = json.loads(pending.read_text(encoding='utf-8')).get('images', [])
            self._queue_job(Job('add', len(names), pending.parent, id=pending.parent.name))
        self._worker = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Finish the images that are looked at, and leave the rest to the next start."""
        self._stop.set()
        if self._worker is not None:
            while not self._worker.done():
                await asyncio.wait({self._worker}, timeout=0.05)
                if self._queue.empty() and not any(
                    j.state == 'running' for j in self.jobs.values()
                ):
                    self._worker.cancel()

    def check_room(self) -> None:
        """Send away who comes when too many jobs wait.

        Raises:
            Refused: They do.
        """
        if self._queue.qsize() >= self.waiting:
            raise busy(f'{self._queue.qsize()} jobs wait', 10)

    def add(self, images: Sequence[tuple[str, bytes]], camera: str, start: float | None) -> Job:
        """Keep images and find their people later; does disk work.

        Args:
            images: Names without folders, and bytes that can be decoded.
            camera: Of all of them.
            start: When they were taken; from EXIF where left out.

        Raises:
            DataError: They cannot be stored.
        """
        job = Job('add', len(images))
        job.folder = self.folder / job.id
        names = [f'{number:03}_{name}' for number, (name, _) in enumerate(images, start=1)]
        try:
            for name, (_, data) in zip(names, images, strict=True):
                write_atomically(job.folder / name, data)
            write_json(job.folder / PENDING, {'images': names, 'camera': camera, 'start': start})
        except OSError as error:
            raise DataError(f'the images cannot be kept: {error.strerror or error}') from None
        return job

    def remove(self, where: Where) -> Job:
        """Remove people later.

        Args:
            where: Which ones.
        """
        return self._queue_job(Job('remove', 1, where=where))

    def queue(self, job: Job) -> Job:
        """Begin with a job that :meth:`add` made, when its turn comes."""
        return self._queue_job(job)

    def _queue_job(self, job: Job) -> Job:
        self.jobs[job.id] = job
        over = len(self.jobs) - self.remembered
        ended = [j.id for j in self.jobs.values() if j.state in ('done', 'failed')]
        for old in ended[: max(over, 0)]:
            del self.jobs[old]
        self._queue.put_nowait(job)
        return job

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            job = await self._queue.get()
            if self._stop.is_set():
                return
            job.state = 'running'
            try:
                await asyncio.to_thread(self._run, job, loop)
                job.state = 'done'
            except _StoppedError:
                job.state = 'queued'
            except UserError as error:
                job.state = 'failed'
                job.problems.append(str(error))
            except Exception as error:
                job.state = 'failed'
                job.problems.append(f'the server failed ({type(error).__name__})')
                loop.call_exception_handler({'message': f'job {job.id}', 'exception': error})
            self.service.forget()

    def _run(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        if job.kind == 'remove':
            with self.write() as gallery:
                remove_crops(gallery, job.where)
                job.people = gallery.remove(job.where)
            job.done = 1
            return
        pending = job.folder / PENDING
        asked = json.loads(pending.read_text(encoding='utf-8'))

        def find(images: Sequence[np.ndarray]) -> list[FoundPeople]:
            async def together() -> list[FoundPeople]:
                looks = (self.service.find(image, patient=True) for image in images)
                return list(await asyncio.gather(*looks))

            found = asyncio.run_coroutine_threadsafe(together(), loop).result()
            job.people += sum(len(people) for people in found)
            return found

        def report(position: int, *_: Any) -> None:
            job.done = position + 1
            if self._stop.is_set():
                raise _StoppedError

        settings = Indexing(places=Places(asked['camera'], asked['start']), batch_size=4)
        sources = [str(job.folder / name) for name in asked['images']]
        with self.write() as gallery:
            summary = index(gallery, find, sources, settings, report)
        copies = (
            f'{copy} has the same content as {first}' for copy, first in summary.copies.items()
        )
        job.problems += [*summary.problems.values(), *copies]
        job.done = job.total
        pending.unlink()
