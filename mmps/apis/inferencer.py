"""A model on a user's own images and videos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from mmps.checkpoints.downloading import local_file
from mmps.evaluation.calibration import Calibration
from mmps.gallery import Gallery, GalleryModel, Hits, Where
from mmps.gallery.sources import Sampling
from mmps.structures import ConfigError, DataError, FoundPeople

from .configs import load_config
from .engines import Engine, ExportedEngine, TorchEngine, exported_folder
from .image_inputs import ImageLike, as_pixels, read_inputs

READY = 'ready'
"""Folder of the configs that work without training."""


class PersonSearchInferencer:
    """Finds people in images and videos and embeds them, in the manner of mmdet's inferencers.

    Example::

        search = PersonSearchInferencer('work_dirs/j3/published.pth')
        people = search('scene.jpg')[0]
        query = search.embed('query.jpg', [[310, 52, 388, 271]])
        similarity = people.embeddings @ query[0]

    Args:
        model: A config, its file, the name of one in ``configs/ready``, a checkpoint that holds
            its config (those of a training and published ones do), or a folder that ``mmps onnx``
            wrote, which runs by ONNX Runtime.
        weights: A checkpoint, by path or address; the config's ``load_from`` where left out.
        device: Such as ``cpu`` or ``cuda:1``; the first GPU where there is one, if left out.
        min_score: Smallest detection score of people who are kept.
        options: Values by dotted key that change the config, as ``--cfg-options`` takes them.

    Attributes:
        model: The model, in evaluation mode; of an exported one its networks.
        recipe: How the model was named, as plain data.
        calibration: How often pairs of a similarity are wrong, where the checkpoint says so.

    Raises:
        UserError: A file is missing or unreadable, or the model has no re-ID branch.
    """

    def __init__(
        self,
        model: Config | str | Path,
        weights: str | Path | None = None,
        device: str | None = None,
        min_score: float = 0.3,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.recipe = {
            'model': model.filename if isinstance(model, Config) else str(model),
            'weights': None if weights is None else str(weights),
            'options': dict(options or {}),
        }
        self._engine = _engine(model, weights, device, min_score, options)
        self.model = self._engine.model
        known = self._engine.calibration
        named = str(weights or model)
        self.calibration = None if known is None else Calibration.from_summary(known, named)

    def gallery_model(self) -> GalleryModel:
        """Describe the model to a gallery; its fingerprint does not depend on where files lie."""
        return self._engine.gallery_model(self.recipe)

    def __call__(
        self,
        inputs: ImageLike | Sequence[ImageLike],
        batch_size: int = 8,
        every: float = 1.0,
    ) -> list[FoundPeople]:
        """Find the people in images, folders, patterns and videos.

        Args:
            inputs: One or several: paths of images, videos and folders, patterns such as
                ``footage/*.mp4``, arrays, images of Pillow.
            batch_size: Images per pass.
            every: Seconds between the frames of a video that are searched; 0 for all.

        Returns:
            The people of each image and frame, in order.

        Raises:
            DataError: An input does not exist or cannot be read.
        """
        return list(self.stream(inputs, batch_size, every))

    def stream(
        self,
        inputs: ImageLike | Sequence[ImageLike],
        batch_size: int = 8,
        every: float = 1.0,
    ) -> Iterator[FoundPeople]:
        """Find people as calling does, but hand each image's on as soon as it is ready."""
        given = [inputs] if isinstance(inputs, ImageLike) else list(inputs)
        batch: list[tuple[np.ndarray, dict[str, Any]]] = []
        for image, place in read_inputs(given, Sampling(every)):
            batch.append((image, place))
            if len(batch) == batch_size:
                yield from self._finished(batch)
                batch = []
        if batch:
            yield from self._finished(batch)

    def _finished(self, batch: list[tuple[np.ndarray, dict[str, Any]]]) -> Iterator[FoundPeople]:
        found = self.find([image for image, _ in batch])
        for people, (_, place) in zip(found, batch, strict=True):
            yield FoundPeople(
                boxes=people.boxes, scores=people.scores, embeddings=people.embeddings, **place
            )

    def find(self, images: Sequence[np.ndarray]) -> list[FoundPeople]:
        """Find the people in images, all in one pass.

        Args:
            images: ``(H, W, 3)`` uint8 BGR each.
        """
        return self._engine.find(images)

    def embed(self, image: ImageLike, boxes: Sequence[Sequence[float]] | None = None) -> np.ndarray:
        """Embed people in given boxes, without detecting.

        Args:
            image: The scene.
            boxes: ``(N, 4)`` xyxy in pixels of the image after EXIF rotation; the whole image where
                left out, for crops.

        Returns:
            ``(N, D)`` of unit length.

        Raises:
            DataError: The image cannot be read, or a box lies outside it.
        """
        pixels = as_pixels(image)
        height, width = pixels.shape[:2]
        whole = [[0, 0, width, height]]
        given = np.asarray(whole if boxes is None else boxes, dtype=np.float32)
        wanted = given.reshape(-1, 4)
        _check_boxes(wanted, width, height)
        return self._engine.embed(pixels, wanted)

    def search(
        self,
        query: ImageLike | Sequence[ImageLike],
        gallery: Gallery,
        top: int = 20,
        box: Sequence[float] | None = None,
        where: Where | None = None,
    ) -> Hits:
        """Search a gallery for a person.

        Args:
            query: An image, or several of the same person, whose embeddings are averaged.
            gallery: Of this model.
            top: Number of hits.
            box: The person in the image, xyxy; where left out, the best of the people found in
                each image.
            where: Conditions on rows.

        Raises:
            DataError: Nobody is found in an image, or the gallery is of another model.
        """
        from mmps.gallery.base import check_same_model

        check_same_model(gallery.info.model, self.gallery_model(), gallery.info.where)
        images = [query] if isinstance(query, ImageLike) else list(query)
        vectors = [
            self.embed(image, [box]) if box is not None else self._best(image) for image in images
        ]
        return gallery.search(averaged_query(np.concatenate(vectors)), top, where)[0]

    def _best(self, image: ImageLike) -> np.ndarray:
        (people,) = self.find([as_pixels(image)])
        if not len(people):
            named = image if isinstance(image, str | Path) else 'the image'
            raise DataError(f'nobody is found in {named}: give the box of the person')
        return people.embeddings[[int(people.scores.argmax())]]


def averaged_query(vectors: np.ndarray) -> np.ndarray:
    """Average several embeddings of one person.

    Args:
        vectors: ``(N, D)`` of unit length.

    Returns:
        ``(1, D)`` of unit length.
    """
    mean = vectors.mean(axis=0, keepdims=True)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)


def ready_configs() -> dict[str, Path]:
    """Find the configs that work without training, by name."""
    package = Path(__file__).resolve().parents[1]
    folders = (package.parent / 'configs' / READY, package / '.mim' / 'configs' / READY)
    return {path.stem: path for folder in folders for path in sorted(folder.glob('*.py'))}


def _engine(
    model: Config | str | Path,
    weights: str | Path | None,
    device: str | None,
    min_score: float,
    options: Mapping[str, Any] | None,
) -> Engine:
    exported = exported_folder(model, weights, options)
    if exported is not None:
        return ExportedEngine(exported, min_score)
    config = _config_of(model, options)
    if isinstance(config, Config) and weights is None:
        weights = config.get('load_from')
        if not weights:
            named = model.filename if isinstance(model, Config) else model
            raise ConfigError(
                f'{named} has no weights: give a checkpoint too, or set load_from in the config'
            )
    return TorchEngine(config, None if weights is None else local_file(weights), device, min_score)


def _config_of(
    model: Config | str | Path, options: Mapping[str, Any] | None
) -> Config | str | Path:
    if isinstance(model, Config):
        model = Config(model.to_dict(), filename=model.filename)
        model.merge_from_dict(dict(options or {}))
        return model
    ready = ready_configs()
    text = str(model)
    if text in ready:
        return load_config(ready[text], options=options)
    if text.endswith('.py'):
        return load_config(model, options=options)
    if not Path(text).exists() and '://' not in text:
        raise ConfigError(
            f'{text} is neither a file nor the name of a ready config; ready are: '
            f'{", ".join(ready) or "none"}'
        )
    if options:
        raise ConfigError('options change a config: give the config and its weights, not a file')
    return local_file(text)


def _check_boxes(boxes: np.ndarray, width: int, height: int) -> None:
    x1, y1, x2, y2 = boxes.T
    inside = (x1 < width) & (y1 < height) & (x2 > 0) & (y2 > 0)
    if not (np.isfinite(boxes).all() and ((x2 > x1) & (y2 > y1) & inside).all()):
        raise DataError(
            f'boxes {boxes.tolist()} must be x1 y1 x2 y2 in pixels, with x1 < x2 and y1 < y2, and '
            f'touch the image of {width}x{height}'
        )
