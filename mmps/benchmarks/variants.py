"""The compared models, and the number of operations of each part."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmdet.models.dense_heads import RetinaHead
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from mmps.models.detectors import SharedBackboneDetector
from mmps.models.detectors.person_search import PersonSearchDetector
from mmps.registry import MODELS
from mmps.structures import ConfigError
from mmps.structures.originals import ORIGINAL_IMAGE

ORIGINAL_SHAPE = (1080, 1920)
"""(height, width) of PRW's images."""

TILE = 120
"""Side of a tile of one colour in pixels: finer noise would average out in crops."""

CONFIG_SUFFIXES = {'.py', '.json', '.yaml', '.yml'}
"""Suffixes of the files that MMEngine reads as configs."""


@dataclass(frozen=True)
class Variant:
    """A model under its name in the table.

    Attributes:
        name: ``J2``, ``J3``, ``J4`` or ``Disj.``.
        model: Model with random weights: times do not depend on them.
    """

    name: str
    model: PersonSearchDetector


def build_variant(name: str, config: str | Path, device: str) -> Variant:
    """Build the model of a config for prediction, with random weights.

    Args:
        name: Name in the table.
        config: Path of the config.
        device: Device of the model.

    Raises:
        ConfigError: There is no such file, or its model does not search for people.
    """
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(without_pretrained(model_config(config)))
    if not isinstance(model, PersonSearchDetector):
        raise ConfigError(
            f'{config} is a {type(model).__name__} without re-ID branch; name a config of '
            'configs/joint or configs/disjoint'
        )
    model.init_weights()
    return Variant(name, model.to(device).eval())


def model_config(config: str | Path) -> dict:
    """Read the model settings of a config.

    Args:
        config: Path of the config.

    Raises:
        ConfigError: There is no such file, or no model in it.
    """
    if not Path(config).is_file():
        raise ConfigError(f'{config} does not exist; name a config of configs/joint')
    is_config = Path(config).suffix in CONFIG_SUFFIXES
    model = Config.fromfile(config).get('model') if is_config else None
    if not model:
        raise ConfigError(f'{config} has no model; name a config of configs/joint')
    return model


def is_shared(config: str | Path) -> bool:
    """Check whether a config's re-ID branch shares the detector's backbone."""
    init_default_scope('mmdet')
    return MODELS.get(model_config(config)['type']) is SharedBackboneDetector


def check_head(variant: Variant) -> None:
    """Check that detections can be forced in a variant's detector.

    Raises:
        ConfigError: The detector is not a RetinaNet.
    """
    detector = variant.model.detector
    if not isinstance(getattr(detector, 'bbox_head', None), RetinaHead):
        raise ConfigError(
            f'{variant.name} has a {type(detector).__name__}: inference is measured with a '
            'RetinaNet only; of others, measure --training --no-inference'
        )


def without_pretrained(config: Any) -> Any:
    """Copy a config without the weights that it would load from files or addresses."""
    if isinstance(config, dict):
        return {
            key: None
            if key == 'init_cfg' and isinstance(value, dict) and value.get('type') == 'Pretrained'
            else without_pretrained(value)
            for key, value in config.items()
        }
    return copy.deepcopy(config)


def empty_samples(count: int, size: int) -> list[DetDataSample]:
    """Create the samples of square images that were not resized.

    Args:
        count: Number of images.
        size: Side of the images in pixels.
    """
    shape = (size, size)
    meta = {
        'img_shape': shape,
        'ori_shape': shape,
        'pad_shape': shape,
        'batch_input_shape': shape,
        'scale_factor': (1.0, 1.0),
    }
    return [DetDataSample(metainfo={'img_id': k, **meta}) for k in range(count)]


def searched_samples(count: int, size: int, device: str) -> list[DetDataSample]:
    """Create the samples of images as large as PRW's that were resized to squares.

    Args:
        count: Number of images.
        size: Side of a square in pixels.
        device: Device of the original images, from which the baseline cuts its crops.
    """
    height, width = ORIGINAL_SHAPE
    generator = torch.Generator().manual_seed(0)
    shape = (3, height // TILE, width // TILE)
    coarse = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    original = coarse.repeat_interleave(TILE, 1).repeat_interleave(TILE, 2).to(device)
    resize = {'ori_shape': ORIGINAL_SHAPE, 'scale_factor': (size / width, size / height)}
    samples = empty_samples(count, size)
    for sample in samples:
        sample.set_metainfo(resize)
        sample.set_field(original, ORIGINAL_IMAGE)
    return samples


@torch.no_grad()
def flops_per_part(variant: Variant, inputs: Tensor) -> tuple[float, float]:
    """Count multiplications and additions (two per pair) of convolutions and matrix products.

    RoI pooling and NMS are not counted.

    Args:
        variant: The model.
        inputs: ``(1, 3, H, W)``.

    Returns:
        Operations of an image without people, and of each person.
    """
    model = variant.model
    pooled = inputs.new_zeros(1, *model.pooled_shape)
    with FlopCounterMode(display=False) as image:
        model.detector.forward(inputs, mode='tensor')
    with FlopCounterMode(display=False) as person:
        model.reid_branch.embed(pooled)
    return float(image.get_total_flops()), float(person.get_total_flops())
