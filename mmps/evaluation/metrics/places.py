"""Whether a test embeds people where they are annotated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmps.formats.ground_truth import GroundTruth
from mmps.structures import ConfigError

PIXELS = 0.1
"""Boxes that differ by less are the same: their coordinates are single floats."""


def check_places(sample: Mapping[str, Any], ground_truth: GroundTruth) -> None:
    """Refuse known boxes of another place than in the annotation file: a pipeline moved them.

    Args:
        sample: of one image; its ``gt_instances`` and ``query_instances`` may lack boxes.
        ground_truth: the annotation file.

    Raises:
        ConfigError: if a box is not in pixels of the image file.
    """
    for part, indices, expected in (
        ('gt_instances', 'ann_indices', ground_truth.bboxes),
        ('query_instances', 'query_indices', ground_truth.query_bboxes),
    ):
        instances = sample.get(part)
        if instances is None or indices not in instances or 'bboxes' not in instances:
            continue
        positions = _array(instances[indices]).astype(np.int64)
        boxes = _array(instances['bboxes']).reshape(-1, 4)
        known = positions < len(expected)  # of another file is said once all images are there
        if (np.abs(boxes - expected[positions * known])[known] > PIXELS).any():
            raise ConfigError(
                f'{part} of image {sample["img_id"]} are not in pixels of the image file, so that '
                'other places would be embedded: put LoadAnnotations behind Resize in the test '
                'pipeline (LoadImageFromFile, Resize, LoadAnnotations, PackPersonSearchInputs).'
            )


def _array(values: Any) -> np.ndarray:
    values = getattr(values, 'tensor', values)  # of mmdet's boxes
    return values.detach().cpu().numpy() if hasattr(values, 'detach') else np.asarray(values)
