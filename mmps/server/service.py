"""One gallery and one model, shared by all clients of a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from mmps.gallery import Gallery, GalleryModel, Progress, Rows, Where
from mmps.gallery.base import check_same_model
from mmps.gallery.contents import Contents, contents
from mmps.gallery.searching import Rates, find_hits
from mmps.gallery.streams import crop_folders
from mmps.gallery.visits import FoundVisits
from mmps.structures import DataError, FoundPeople

from .batching import Batcher
from .decoding import Decoder
from .problems import busy, missing
from .scenes import Scenes
from .settings import Settings
from .watched import Watched

T = TypeVar('T')


class Inferencer(Protocol):
    """What a server needs of :class:`mmps.apis.PersonSearchInferencer`."""

    calibration: Rates | None

    def gallery_model(self) -> GalleryModel:
        """Describe the model to a gallery."""

    def find(self, images: Sequence[np.ndarray]) -> list[FoundPeople]:
        """Find the people in ``(H, W, 3)`` uint8 BGR images."""

    def embed(self, image: np.ndarray, boxes: Sequence[Sequence[float]]) -> np.ndarray:
        """Embed people in given boxes."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where scenes are read from.

    Attributes:
        states: Of the gallery's sources, by their path.
        crops: Folders of crops that were kept of streams.
    """

    states: Mapping[str, Progress]
    crops: Sequence[Path]

    @classmethod
    def of(cls, gallery: Gallery) -> Places:
        """Read them from a gallery."""
        return cls(gallery.progress(), crop_folders(gallery))


class Service:
    """Answers what routes ask, without blocking the loop of the server.

    The gallery has one thread and the network another: requests that wait for the same are
    answered together.

    Args:
        gallery: Open for reading.
        inferencer: Of the gallery's model.
        settings: What is allowed.
        calibration: How often hits are wrong; the one of the model where left out.

    Raises:
        DataError: The gallery is of another model.
    """

    def __init__(
        self,
        gallery: Gallery,
        inferencer: Inferencer,
        settings: Settings,
        calibration: Rates | None = None,
    ) -> None:
        check_same_model(gallery.info.model, inferencer.gallery_model(), gallery.info.where)
        self.gallery, self.inferencer, self.settings = gallery, inferencer, settings
        self.calibration = calibration or inferencer.calibration
        self.stopping = False
        self.decoder = Decoder(settings.decode_seconds, settings.max_pixels)
        self.scenes = Scenes(settings.scene_bytes)
        self._gallery_thread = ThreadPoolExecutor(1, 'gallery')
        self._network_thread = ThreadPoolExecutor(1, 'network')
        self._scene_threads = ThreadPoolExecutor(2, 'scenes')
        self.searches = Batcher(self._search, self._gallery_thread, 32, 256, 'searches')
        self.looks = Batcher(self._look, self._network_thread, 8, 32, 'the network')
        self._waiting_scenes = 0
        self.held: Watched[Contents] = Watched(contents, self.ask, 10.0)
        self.places: Watched[Places] = Watched(Places.of, self.ask, 2.0)

    async def start(self) -> None:
        """Start the decoding process and read the gallery, so that no client waits for them."""
        await self.decoder.start()
        somebody = np.eye(1, self.gallery.info.model.dimension, dtype=np.float32)
        await self.searches(somebody, (1, Where(), False))

    async def find(self, pixels: np.ndarray, patient: bool = False) -> FoundPeople:
        """Find the people of an image.

        Args:
            pixels: ``(H, W, 3)`` uint8 BGR.
            patient: Whether it may wait longer than others do.
        """
        return await self._in_time(self.looks(pixels, 'find', patient), patient)

    async def embed(self, pixels: np.ndarray, box: Sequence[float]) -> np.ndarray:
        """Embed the person in a box, ``(1, D)``.

        Args:
            pixels: ``(H, W, 3)`` uint8 BGR.
            box: Box as xyxy in its pixels.
        """
        return await self._in_time(self.looks((pixels, box), 'embed'))

    async def search(
        self, vector: np.ndarray, top: int, where: Where, per_visit: bool = False
    ) -> FoundVisits:
        """Find the most similar people.

        Args:
            vector: ``(1, D)`` of unit length.
            top: Number wanted.
            where: Conditions, whose sequences are tuples.
            per_visit: Whether the best hit of each visit is wanted alone.
        """
        return await self._in_time(self.searches(vector, (top, where, per_visit)))

    async def rows(self, ids: Sequence[int], vectors: bool = False) -> Rows:
        """Get people by their ids, in the order of the ids.

        Args:
            ids: Public ids.
            vectors: Whether embeddings are wanted too.

        Raises:
            Refused: One is unknown.
        """
        wanted = Where(ids=tuple(ids))
        found = await self.ask(
            lambda gallery: (
                Rows.joined(gallery.rows(wanted, vectors=vectors)) if ids else Rows.empty()
            )
        )
        places = {public: at for at, public in enumerate(found.ids.tolist())} if len(found) else {}
        for public in ids:
            if public not in places:
                raise missing(f'the gallery holds no person with id {public}')
        return found[np.array([places[public] for public in ids], dtype=int)]

    async def ask(self, question: Callable[[Gallery], T]) -> T:
        """Ask the gallery, in its thread.

        Args:
            question: Called with it.
        """
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(self._gallery_thread, question, self.gallery)
        return await self._in_time(asked)

    async def scene(self, person: Mapping[str, Any], draw: Callable[[np.ndarray], T]) -> T:
        """Do something with a person's scene, in a thread.

        Args:
            person: As :func:`mmps.gallery.exporting.describe` returns it.
            draw: Called with ``(H, W, 3)`` uint8 BGR.

        Raises:
            Refused: The scene cannot be read any more, or too many wait.
        """
        if self._waiting_scenes >= self.settings.max_requests:
            raise busy(f'{self._waiting_scenes} images wait to be read')
        known = await self.places()
        self._waiting_scenes += 1
        try:
            loop = asyncio.get_running_loop()
            return await self._in_time(
                loop.run_in_executor(
                    self._scene_threads,
                    lambda: draw(self.scenes(person, known.states, known.crops)),
                )
            )
        except DataError as error:
            raise missing(str(error)) from None
        finally:
            self._waiting_scenes -= 1

    def forget(self) -> None:
        """Count the people again when next asked."""
        self.held.forget()
        self.places.forget()

    async def stop(self) -> None:
        """Finish what runs and release threads and the decoding process; not the gallery."""
        self.stopping = True
        await self.decoder.stop()
        for threads in (self._gallery_thread, self._network_thread, self._scene_threads):
            threads.shutdown(wait=True, cancel_futures=True)

    async def _in_time(self, waited: Any, patient: bool = False) -> Any:
        limit = None if patient else self.settings.answer_seconds
        try:
            return await asyncio.wait_for(waited, limit)
        except asyncio.TimeoutError:
            raise busy(f'no answer within {limit:g} s', 5) from None

    def _search(self, key: tuple[int, Where, bool], vectors: list[np.ndarray]) -> list[Any]:
        top, where, per_visit = key
        if per_visit:
            return [find_hits(self.gallery, v, top, where, per_visit=True) for v in vectors]
        return [
            FoundVisits(hits) for hits in self.gallery.search(np.concatenate(vectors), top, where)
        ]

    def _look(self, key: str, items: list[Any]) -> list[Any]:
        if key == 'find':
            return self.inferencer.find(items)
        return [_or_error(lambda p=p, b=b: self.inferencer.embed(p, [b])) for p, b in items]


def _or_error(call: Callable[[], T]) -> T | DataError:
    """Return an error that one item of a batch causes, which the others must not see."""
    try:
        return call()
    except DataError as error:
        return error
