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
        data_preprocessor: Config for scene images; the detector's own where left out.
        **kwargs: ``phase``, ``detach`` and ``init_cfg`` of :class:`PersonSearchDetector`.
    """

    def __init__(
        self,
        detector: dict,
        backbone: dict | None = None,
        reid_branch: dict | None = None,
        data_preprocessor: dict | None = None,
        **kwargs: Any,
    ) -> None:
        images = data_preprocessor or preprocessor_of(detector)
        preprocessor = MODELS.build(images)
        mean, std = normalisation(preprocessor)
        branch = {'type': 'mmps.ReIDBranch', 'cpu_chunk': CPU_CHUNK, **(reid_branch or {})}
        defaults = {
            'pooling': {
                'type': 'mmps.CropAndResize',
                'output_size': CROP_SIZE,
                'swap_channels': swaps_channels(preprocessor),
            },
            'stages': {
                'type': 'mmps.CropBackbone',
                'backbone': backbone or detector['backbone'],
                'mean': mean,
                'std': std,
            },
            'aggregation': {'type': 'mmps.AveragePool'},
            'head': {'type': 'mmps.TripletReIDHead'},
        }
        for part, settings in defaults.items():
            branch[part] = {**settings, **branch.get(part, {})}
        super().__init__(build_detector(detector), OriginalImages(), branch, images, **kwargs)
