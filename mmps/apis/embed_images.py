"""A trained model on pictures that belong to no data set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import _load_checkpoint, _load_checkpoint_to_model

from mmps.checkpoints import check_checkpoint
from mmps.checkpoints.resuming import mark_branch
from mmps.images import image_suffixes
from mmps.registry import MODELS
from mmps.structures import DataError

from .gpu import check_gpu


@dataclass(frozen=True)
class People:
    """The people of one picture.

    Attributes:
        path: The picture.
        boxes: ``(N, 4)`` xyxy in its pixels.
        scores: ``(N,)`` in 0..1.
        embeddings: ``(N, D)``.
    """

    path: Path
    boxes: np.ndarray
    scores: np.ndarray
    embeddings: np.ndarray


def list_pictures(folder: str | Path) -> list[Path]:
    """Find the pictures in a folder, by name.

    Raises:
        DataError: There is no such folder, or no picture in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f'{folder} is no folder; give one that holds pictures')
    pictures = sorted(p for p in folder.iterdir() if p.suffix.lower() in image_suffixes())
    if not pictures:
        raise DataError(f'{folder} holds no picture (such as .jpg, .png, .webp or .tiff)')
    return pictures


def load_model(config: Config, checkpoint: str | Path, device: str | None = None) -> Any:
    """Build a model for prediction, with the weights of a checkpoint.

    Args:
        config: Of the model.
        checkpoint: A file.
        device: Where it runs; the GPU where there is one, by default.

    Raises:
        UserError: The file is no checkpoint.
    """
    check_checkpoint(checkpoint)
    if device is None:
        check_gpu()
    init_default_scope('mmdet')
    model = MODELS.build(config.model)
    content = _load_checkpoint(str(checkpoint), map_location='cpu')
    mark_branch(content)
    _load_checkpoint_to_model(model, content)
    model.cfg = config
    return model.to(device or ('cuda:0' if torch.cuda.is_available() else 'cpu')).eval()


@torch.no_grad()
def embed_images(model: Any, pictures: Sequence[Path], batch_size: int = 4) -> Iterator[People]:
    """Detect and embed the people of some pictures.

    Args:
        model: From :func:`load_model`; the test pipeline of its config prepares the pictures.
        pictures: Files.
        batch_size: Pictures per pass.

    Yields:
        The people of each picture, in order.

    Raises:
        DataError: A picture cannot be read.
    """
    init_default_scope('mmdet')
    pipeline = Compose(model.cfg.test_dataloader.dataset.pipeline)
    for start in range(0, len(pictures), batch_size):
        chunk = pictures[start : start + batch_size]
        data = [pipeline({'img_path': str(p), 'img_id': k}) for k, p in enumerate(chunk, start)]
        for path, sample in zip(chunk, model.test_step(pseudo_collate(data)), strict=True):
            found = sample.pred_instances
            yield People(
                path,
                found.bboxes.cpu().numpy(),
                found.scores.cpu().numpy(),
                found.embeddings.cpu().numpy(),
            )
