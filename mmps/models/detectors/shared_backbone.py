from __future__ import annotations

from typing import Any

from mmps.models.reid import FeatureTap
from mmps.models.reid.roi_pooling import LAST_SIZE, PAPER_SIZES
from mmps.models.reid.stages import SharedStages, output_channels
from mmps.models.reid.trainable import continued
from mmps.registry import MODELS
from mmps.structures import ConfigError

from .person_search import PersonSearchDetector
from .wrapped import build_detector, preprocessor_of


@MODELS.register_module()
class SharedBackboneDetector(PersonSearchDetector):
    """Person search with one backbone: any mmdet detector plus a re-ID branch (the paper's J_x).

    The detector's ``loss`` and ``predict`` run as they are. The re-ID branch takes the output of
    the last shared stage from the same backbone pass. Loesch et al., section 2 and Fig. 1.

    Args:
        detector: Config of an mmdet detector. Its backbone is ResNet-like, Swin, PVT, CSPDarknet,
            CSPNeXt, MobileNetV2, or of a family that was added to
            :data:`mmps.models.reid.backbones.stages_of`.
        backbone: Settings of the backbone instead of those in ``detector``; mmdet's
            ``init_detector`` looks for them in every config, so that ours have them, empty.
        reid_branch: Settings of the branch; each of ``pooling``, ``stages``, ``aggregation``
            and ``head`` need only say what differs from the paper's.
        shared_stages: The J of the paper: 2, 3 or 4 stages, the stem counted, are shared. Or
            (stage, blocks) to split between two blocks: ``(4, 3)`` shares conv4_1 to conv4_3, and
            replicates conv4_4 and what follows.
        data_preprocessor: Config for scene images; the detector's own where left out.
        **kwargs: ``phase``, ``detach`` and ``init_cfg`` of :class:`PersonSearchDetector`.

    Raises:
        ConfigError: The backbone cannot be divided there, or boxes are pooled to too few cells.
    """

    def __init__(
        self,
        detector: dict,
        backbone: dict | None = None,
        reid_branch: dict | None = None,
        shared_stages: SharedStages = 3,
        data_preprocessor: dict | None = None,
        **kwargs: Any,
    ) -> None:
        config = {**detector, 'backbone': {**detector['backbone'], **(backbone or {})}}
        built = build_detector(config)
        tap = FeatureTap(built.backbone, shared_stages)
        branch = complete_branch(reid_branch or {}, config['backbone'], shared_stages, tap)
        images = data_preprocessor or preprocessor_of(config)
        super().__init__(built, tap, branch, images, **kwargs)
        self._check_pooled_size()

    def _check_pooled_size(self) -> None:
        """Refuse a pooled size that is too small for the stages behind, before training."""
        like = next(self.detector.backbone.parameters())
        try:
            output_channels(self.reid_branch.stages, like.new_zeros(1, *self.pooled_shape))
        except RuntimeError as error:
            size = self.reid_branch.pooling.output_size
            raise ConfigError(
                f'boxes pooled to {size} do not go through the stages behind the shared ones '
                f'({error}): set reid_branch.pooling.output_size to a larger (height, width)'
            ) from error


def complete_branch(
    branch: dict, backbone: dict, shared_stages: SharedStages, tap: FeatureTap
) -> dict:
    """Fill in what the number of shared stages decides, and the paper's choices.

    Args:
        branch: What a config says of the branch.
        backbone: Config of the detector's backbone.
        shared_stages: As in :class:`SharedBackboneDetector`.
        tap: Of the detector's backbone.

    Returns:
        A config of the whole branch.
    """
    defaults = {
        'pooling': {
            'type': 'mmps.RoIPooling',
            'stride': tap.stride,
            'output_size': PAPER_SIZES.get(tap.stage, LAST_SIZE),
        },
        'stages': {
            'type': 'mmps.ReplicatedStages',
            'backbone': continued(backbone),
            'shared_stages': shared_stages,
        },
        'aggregation': {'type': 'mmps.AveragePool'},
        'head': {'type': 'mmps.TripletReIDHead'},
    }
    branch = {'type': 'mmps.ReIDBranch', **branch}
    for part, settings in defaults.items():
        branch[part] = {**settings, **branch.get(part, {})}
    return branch
