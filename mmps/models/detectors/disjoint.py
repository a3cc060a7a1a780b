from __future__ import annotations

from typing import Any

from mmps.models.reid.input_images import InputImages, normalisation
from mmps.registry import MODELS

from .person_search import PersonSearchDetector

CROP_SIZE = (256, 128)
"""(height, width) of a crop, the usual one of person re-identification."""

CPU_CHUNK = 16
"""Crops embedded at once where that is fastest on a CPU."""


@MODELS.register_module()
class DisjointDetector(PersonSearchDetector):
    """The paper's baseline Disj.: a detector, then a whole network on crops of its boxes.

    The same interface as :class:`SharedBackboneDetector`, so that data, losses, training and
    evaluation are the same. Crops are cut on the device, batched over images, from the network's
    input. Loesch et al., section 3.2.

    Args:
        detector: Config of any mmdet detector.
        backbone: Config of the crops' network; a copy of the detector's where left out. All its
            stages and batch statistics are trained.
        reid_branch: Settings of the branch, as in :class:`SharedBackboneDetector`.
        **kwargs: As in :class:`PersonSearchDetector`.
    """

    def __init__(
        self,
        detector: dict,
        backbone: dict | None = None,
        reid_branch: dict | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(detector, **kwargs)
        images = self.data_preprocessor.images
        mean, std = normalisation(images)
        branch = {'type': 'mmps.ReIDBranch', 'cpu_chunk': CPU_CHUNK, **(reid_branch or {})}
        defaults = {
            'pooling': {'type': 'mmps.RoIPooling', 'stride': 1, 'output_size': CROP_SIZE},
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
        self.add_branch(InputImages(images), branch)
