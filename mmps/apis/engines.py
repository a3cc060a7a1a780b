"""What runs a model for :class:`PersonSearchInferencer`: PyTorch, or exported networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmps.digests import digest, weights_digest
from mmps.exported import manifest
from mmps.exported.model import ExportedModel
from mmps.gallery import GalleryModel
from mmps.structures import ConfigError, FoundPeople

from .inference import load_model


class TorchEngine:
    """A model of PyTorch.

    Args:
        config: A config, its file, or a checkpoint that holds its config.
        weights: A checkpoint, where the config is none.
        device: Such as ``cpu``; the first GPU where there is one, if left out.
        min_score: Smallest detection score of people who are kept.
    """

    def __init__(
        self,
        config: Config | str | Path,
        weights: str | Path | None,
        device: str | None,
        min_score: float,
    ) -> None:
        self.model = load_model(config, weights, device)
        self.model.min_score = min_score
        self.calibration = self.model.calibration
        init_default_scope('mmdet')
        self.pipeline = self.model.cfg.test_dataloader.dataset.pipeline
        self._prepare = Compose(self.pipeline)

    def gallery_model(self, recipe: dict[str, Any]) -> GalleryModel:
        """Describe the model to a gallery.

        Args:
            recipe: How it was named.
        """
        parts = {
            'weights': weights_digest(self.model),
            'branch': repr(self.model.reid_branch),
            'pipeline': self.pipeline,
            'preprocessor': repr(self.model.data_preprocessor),
        }
        dimension = self.model.reid_branch.head.embedding_channels
        return GalleryModel(digest(parts), dimension, recipe)

    @torch.no_grad()
    def find(self, images: Sequence[np.ndarray]) -> list[FoundPeople]:
        """Find the people in ``(H, W, 3)`` uint8 BGR images, all in one pass."""
        data = pseudo_collate([self._prepared(image) for image in images])
        return [_found(sample.pred_instances) for sample in self.model.test_step(data)]

    @torch.no_grad()
    def embed(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Embed the people in ``(N, 4)`` boxes of an image: ``(N, D)``."""
        data = pseudo_collate([self._prepared(image)])
        data['data_samples'][0].query_instances = InstanceData(bboxes=torch.from_numpy(boxes))
        data = self.model.data_preprocessor(data)
        (sample,) = self.model(**data, mode='embed')
        return sample.query_instances.embeddings.cpu().numpy()

    def _prepared(self, image: np.ndarray) -> dict[str, Any]:
        return self._prepare({'img': image, 'img_path': '', 'img_id': 0})


def _found(people: InstanceData) -> FoundPeople:
    arrays = (people.bboxes, people.scores, people.embeddings)
    boxes, scores, embeddings = (array.cpu().float().numpy() for array in arrays)
    return FoundPeople(None, boxes, scores, embeddings)


class ExportedEngine:
    """Networks that ``mmps onnx`` wrote, run by ONNX Runtime; no model of PyTorch is built.

    Args:
        path: Of their folder, or of ``model.json`` in it.
        min_score: Smallest detection score of people who are kept.
    """

    def __init__(self, path: Path, min_score: float) -> None:
        self.model = ExportedModel(path, min_score)
        self.calibration = self.model.manifest.calibration

    def gallery_model(self, recipe: dict[str, Any]) -> GalleryModel:
        """Describe the model to a gallery: the one that was exported, whose embeddings it has."""
        found = self.model.manifest
        return GalleryModel(found.fingerprint, found.dimension, recipe)

    def find(self, images: Sequence[np.ndarray]) -> list[FoundPeople]:
        """Find the people in ``(H, W, 3)`` uint8 BGR images, one after the other."""
        return [self.model.find(image) for image in images]

    def embed(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Embed the people in ``(N, 4)`` boxes of an image: ``(N, D)``."""
        return self.model.embed(image, boxes)


Engine = TorchEngine | ExportedEngine


def exported_folder(
    model: object, weights: object, options: Mapping[str, Any] | None
) -> Path | None:
    """Return the folder of an exported model, if a model is named by one.

    Args:
        model: As :class:`PersonSearchInferencer` takes it.
        weights: Must be left out for an exported model.
        options: Must be left out for an exported model.

    Raises:
        ConfigError: Weights or options are given for an exported model.
    """
    if isinstance(model, Config):
        return None
    path = Path(model)
    if path.name == manifest.NAME:
        path = path.parent
    if not (path / manifest.NAME).is_file():
        return None
    if weights is not None or options:
        raise ConfigError(f'{path} is an exported model: it takes neither weights nor options')
    return path
