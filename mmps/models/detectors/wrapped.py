"""Detectors of mmdet that a model wraps, from their configs."""

from __future__ import annotations

import copy

from mmdet.models.detectors.base import BaseDetector
from mmengine.config import ConfigDict

from mmps.registry import MODELS


def build_detector(config: dict) -> BaseDetector:
    """Build a detector of mmdet; its config is left as it is."""
    return MODELS.build(ConfigDict(copy.deepcopy(dict(config))))


def preprocessor_of(detector: dict) -> dict:
    """Return the config of a detector's own preprocessor.

    Args:
        detector: Config of the detector.
    """
    detector = ConfigDict(copy.deepcopy(dict(detector)))
    return detector.get('data_preprocessor') or {'type': 'DetDataPreprocessor'}
