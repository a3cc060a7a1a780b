"""A trained model on images that belong to no data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import _load_checkpoint, _load_checkpoint_to_model

from mmps.checkpoints import check_checkpoint, read_restricted
from mmps.checkpoints.config_text import config_of
from mmps.checkpoints.resuming import mark_branch
from mmps.images import image_suffixes
from mmps.registry import MODELS
from mmps.structures import ConfigError, DataError, FoundPeople

from .configs import load_config
from .errors import explained_errors
from .gpu import check_gpu


def list_images(folder: str | Path) -> list[Path]:
    """Find the images in a folder, sorted by name.

    Args:
        folder: Not searched recursively.

    Raises:
        DataError: There is no such folder, or no image in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f'{folder} is no folder; give one that holds images')
    images = sorted(path for path in folder.iterdir() if path.suffix.lower() in image_suffixes())
    if not images:
        raise DataError(f'{folder} holds no image (such as .jpg, .png, .webp or .tiff)')
    return images


def load_model(
    model: Config | str | Path, weights: str | Path | None = None, device: str | None = None
) -> Any:
    """Build a model for prediction and load its weights.

    Args:
        model: A config, its file, or a checkpoint that holds its config (those of a training and
            published ones do; it is read as data, never executed).
        weights: A checkpoint; not needed where ``model`` is one.
        device: Such as ``cpu`` or ``cuda:1``; the first GPU if there is one, by default.

    Returns:
        The model, in evaluation mode; ``model.cfg`` is its config, ``model.calibration`` what the
        checkpoint says of its similarities, as plain data, or ``None``.

    Raises:
        UserError: A file is missing or unreadable, or the model has no re-ID branch.
    """
    config, weights = _config_and_weights(model, weights)
    check_checkpoint(weights)
    if device is None:
        check_gpu()
    init_default_scope('mmdet')
    with explained_errors():
        built = MODELS.build(config.model)
    if not hasattr(built, 'reid_branch'):
        raise ConfigError(
            f'{type(built).__name__} has no re-ID branch; give a config such as those in '
            'configs/joint'
        )
    content = _load_checkpoint(str(weights), map_location='cpu', logger='silent')
    mark_branch(content)
    _load_checkpoint_to_model(built, content)
    built.cfg = config
    built.calibration = (content.get('meta') or {}).get('calibration')
    return built.to(device or ('cuda:0' if torch.cuda.is_available() else 'cpu')).eval()


@torch.no_grad()
def find_people(
    model: Any, images: str | Path | Sequence[str | Path], batch_size: int = 4
) -> list[FoundPeople]:
    """Detect the people in some images and embed them.

    Args:
        model: From :func:`load_model`; the test pipeline of its config prepares the images.
        images: One file or several.
        batch_size: Images per pass.

    Returns:
        The people of each image, in order.

    Raises:
        DataError: An image cannot be read.
    """
    paths = [Path(p) for p in ([images] if isinstance(images, str | Path) else images)]
    init_default_scope('mmdet')
    pipeline = Compose(model.cfg.test_dataloader.dataset.pipeline)
    found = []
    for start in range(0, len(paths), batch_size):
        chunk = paths[start : start + batch_size]
        data = [pipeline({'img_path': str(p), 'img_id': k}) for k, p in enumerate(chunk, start)]
        for path, sample in zip(chunk, model.test_step(pseudo_collate(data)), strict=True):
            people = sample.pred_instances
            arrays = (people.bboxes, people.scores, people.embeddings)
            found.append(FoundPeople(path, *(array.cpu().numpy() for array in arrays)))
    return found


def _config_and_weights(
    model: Config | str | Path, weights: str | Path | None
) -> tuple[Config, str | Path]:
    if isinstance(model, str | Path) and Path(model).suffix != '.py':
        if weights is None:
            weights = model
        return config_of(read_restricted(model), model), weights
    if weights is None:
        raise ConfigError('a config has no weights: give a checkpoint too')
    return (model if isinstance(model, Config) else load_config(model)), weights
