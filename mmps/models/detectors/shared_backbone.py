from __future__ import annotations

from typing import Any

from mmps.models.reid import FeatureTap
from mmps.models.reid.roi_pooling import PAPER_SIZES
from mmps.registry import MODELS

from .person_search import PersonSearchDetector
from .wrapped import build_detector, preprocessor_of


@MODELS.register_module()
class SharedBackboneDetector(PersonSearchDetector):
    """Person search with one backbone: any mmdet detector plus a re-ID branch (the paper's J_x).

    The detector's ``loss`` and ``predict`` run as they are. The re-ID branch takes the output of
    the last shared stage from the same backbone pass. Loesch et al., section 2 and Fig. 1.

    Args:
        detector: Config of an mmdet detector with a ResNet-like backbone.
        backbone: Settings of the backbone in place of those in ``detector``; mmdet's
            ``init_detector`` looks for them in every config, so that ours have them, empty.
        reid_branch: Settings of the branch; each of ``pooling``, ``stages``, ``aggregation``
            and ``head`` need only say what differs from the paper's.
        shared_stages: The J of the paper: 2, 3 or 4 stages, the stem counted, are shared.
        data_preprocessor: Config for scene images; the detector's own where left out.
        **kwargs: ``phase``, ``detach`` and ``init_cfg`` of :class:`PersonSearchDetector`.
    """

    def __init__(
        self,
        detector: dict,
        backbone: dict | None = None,
        reid_branch: dict | None = None,
        shared_stages: int = 3,
        data_preprocessor: dict | None = None,
        **kwargs: Any,
    ) -> None:
        config = {**detector, 'backbone': {**detector['backbone'], **(backbone or {})}}
        built = build_detector(config)
        tap = FeatureTap(built.backbone, shared_stages)
        branch = complete_branch(reid_branch or {}, config['backbone'], shared_stages, tap.stride)
        images = data_preprocessor or preprocessor_of(config)
        super().__init__(built, tap, branch, images, **kwargs)


def complete_branch(branch: dict, backbone: dict, shared_stages: int, stride: int) -> dict:
    """Fill in what the number of shared stages decides, and the paper's choices.

    Args:
        branch: What a config says of the branch.
        backbone: Config of the detector's backbone.
        shared_stages: 2, 3 or 4, the stem counted.
        stride: Of the last shared stage, in pixels.

    Returns:
        A config of the whole branch.
    """
    defaults = {
        'pooling': {
            'type': 'mmps.RoIPooling',
            'stride': stride,
            'output_size': PAPER_SIZES.get(shared_stages),
        },
        'stages': {
            'type': 'mmps.ReplicatedStages',
            'backbone': backbone,
            'shared_stages': shared_stages,
        },
        'aggregation': {'type': 'mmps.AveragePool'},
        'head': {'type': 'mmps.TripletReIDHead'},
    }
    branch = {'type': 'mmps.ReIDBranch', **branch}
    for part, settings in defaults.items():
        branch[part] = {**settings, **branch.get(part, {})}
    return branch
