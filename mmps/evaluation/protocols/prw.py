"""PRW, as the public evaluators of NAE, SeqNet and their successors read it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmps.formats.ground_truth import GroundTruth
from mmps.registry import TASK_UTILS
from mmps.structures import xyxy_to_xywh

from .conventions import of_convention
from .generic import GenericProtocol


@TASK_UTILS.register_module()
class PRWProtocol(GenericProtocol):
    """Search each query in all other test frames, or in those of other cameras.

    Unlabelled people are ordinary wrong boxes. Under ``legacy`` the annotated boxes are whole
    pixels, as SeqNet and NAE read them. For the rule of PRW's authors, see
    ``mmps.PRWOfficialProtocol``.
    """

    name = 'prw'

    def prepare(self, ground_truth: GroundTruth) -> GroundTruth:
        """Convert the boxes as the convention wants them.

        Args:
            ground_truth: The annotation file's content.
        """
        convert = of_convention(self.convention, whole_pixels, np.asarray)
        return replace(ground_truth, bboxes=convert(ground_truth.bboxes))


def whole_pixels(bboxes: np.ndarray) -> np.ndarray:
    """Convert boxes to whole pixels as SeqNet's loader does, negative numbers first to 0.

    A box that starts at -4 with width 272 so ends at 272, not at 268.

    Args:
        bboxes: ``(A, 4)`` xyxy.

    Returns:
        ``(A, 4)`` xyxy without fractions.
    """
    xywh = np.maximum(xyxy_to_xywh(bboxes), 0)
    return np.trunc(np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1))
