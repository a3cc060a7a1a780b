from __future__ import annotations

from typing import Any

from mmps.models.reid.original_images import OriginalImages, normalisation, swaps_channels
from mmps.registry import MODELS

from .person_search import PersonSearchDetector
from .wrapped import build_detector, preprocessor_of

CROP_SIZE = (256, 128)
"""(height, width) of a crop, the usual one of person re-identification."""

CPU_CHUNK = 16
"""Crops embedded at once where that is fastest on a CPU."""


@MODELS.register_module()
class DisjointDetector(PersonSearchDetector):
    """The paper's baseline Disj.: a detector, then a whole network on crops of its boxes.

    The same interface as :class:`SharedBackboneDetector`, so that data, losses, training and
    evaluation are the same. Crops are cut on the device from the original images, not from the
    network's smaller input: pipelines of phase 2 and of tests keep them
    (:class:`mmps.KeepOriginalImage`), that of phase 1 need not. What was predicted has let go of
    them. Loesch et al., section 3.2.

    Args:
        detector: Config of any mmdet detector.
        backbone: Config of the crops' network; a copy of the detector's where left out. All its
            stages and batch statistics are trained.
        reid_branch: Settings of the branch, as in :class:`SharedBackboneDetector`.
        reid: A finished re-ID network instead of ``backbone``, which is not trained: config of
            :class:`ExportedReID` or :class:`PretrainedReID`, with ``size`` (height, width),
            ``bgr_to_rgb`` and ``interpolation`` of its crops beside it.
        data_preprocessor: Config for scene images; the detector's own where left out.
        **kwargs: ``phase``, ``detach`` and ``init_cfg`` of :class:`PersonSearchDetector`.
    """

    def __init__(
        self,
        detector: dict,
        backbone: dict | None = None,
        reid_branch: dict | None = None,
        reid: dict | None = None,
        data_preprocessor: dict | None = None,
        **kwargs: Any,
    ) -> None:
        images = data_preprocessor or preprocessor_of(detector)
        branch = {'type': 'mmps.ReIDBranch', 'cpu_chunk': CPU_CHUNK, **(reid_branch or {})}
        defaults = (
            _trained_parts(MODELS.build(images), backbone or detector['backbone'])
            if reid is None
            else _finished_parts(reid)
        )
        for part, settings in defaults.items():
            branch[part] = {**settings, **branch.get(part, {})}
        super().__init__(build_detector(detector), OriginalImages(), branch, images, **kwargs)


def _trained_parts(preprocessor: Any, backbone: dict) -> dict[str, dict]:
    """Configs of a branch that trains a network of its own on the detector's normalised pixels."""
    mean, std = normalisation(preprocessor)
    return {
        'pooling': {
            'type': 'mmps.CropAndResize',
            'output_size': CROP_SIZE,
            'swap_channels': swaps_channels(preprocessor),
        },
        'stages': {'type': 'mmps.CropBackbone', 'backbone': backbone, 'mean': mean, 'std': std},
        'aggregation': {'type': 'mmps.AveragePool'},
        'head': {'type': 'mmps.TripletReIDHead'},
    }


def _finished_parts(reid: dict) -> dict[str, dict]:
    """Configs of a branch that only runs a finished network, with crops as that one knows them."""
    stages = {'size': CROP_SIZE, **reid}
    pooling = {
        'type': 'mmps.CropAndResize',
        'output_size': tuple(stages['size']),
        'swap_channels': stages.pop('bgr_to_rgb', True),
        'interpolation': stages.pop('interpolation', 'bilinear'),
    }
    return {
        'pooling': pooling,
        'stages': stages,
        'aggregation': {'type': 'mmps.AveragePool'},
        'head': {'type': 'mmps.ReadyHead'},
    }
