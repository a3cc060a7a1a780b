"""Whom the branch learns from in the joint objective: boxes, and whose they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import torch
from mmdet.registry import TASK_UTILS as MMDET_TASK_UTILS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmps.models.losses.base import takes_part
from mmps.registry import MODELS
from mmps.structures import (
    BACKGROUND,
    PERSON_LABEL,
    ConfigError,
    IdentityMap,
    in_space,
    is_labelled,
)

from .proposals import as_rois, dense_head, propose, refine
from .shared_feature import SharedFeature

Collect = Callable[[], tuple[Tensor, Tensor]]

ASSIGNER = {
    'type': 'MaxIoUAssigner',
    'pos_iou_thr': 0.5,
    'neg_iou_thr': 0.5,
    'min_pos_iou': 0.5,
    'match_low_quality': False,
    'ignore_iof_thr': 0.5,  # ignore regions are no background
}
SAMPLER = {
    'type': 'RandomSampler',
    'num': 128,
    'pos_fraction': 0.5,
    'add_gt_as_proposals': True,
}


class TrainingBoxes(Protocol):
    """The source of training boxes; a detector's config has one in ``training_boxes``."""

    def check(self, detector: nn.Module, source: SharedFeature) -> None:
        """Reject a detector, or a feature, that goes with no such boxes."""

    def watch(
        self,
        detector: nn.Module,
        samples: Sequence[DetDataSample],
        source: SharedFeature,
        head: nn.Module,
    ) -> AbstractContextManager[Collect]:
        """Open around the detector's ``loss`` for a batch.

        Args:
            detector: Detector whose loss is computed.
            samples: The batch.
            source: Of the feature that is pooled.
            head: Its ``uses_unlabelled`` and ``uses_background`` decide who is wanted beside people
                with an identity.

        Returns:
            A context that gives a function; called behind the detector's ``loss``, this returns
            ``(N, 5)`` RoIs (image index, x1, y1, x2, y2) in the pixels that RoIs are in, and
            ``(N,)`` identities, equal exactly for the same person of the same data set;
            ``UNLABELLED`` and ``BACKGROUND`` mark the others.
        """


@MODELS.register_module()
class GroundTruthBoxes:
    """The annotated boxes."""

    def check(self, detector: nn.Module, source: SharedFeature) -> None:
        """Accept any."""

    @contextmanager
    def watch(
        self,
        detector: nn.Module,
        samples: Sequence[DetDataSample],
        source: SharedFeature,
        head: nn.Module,
    ) -> Iterator[Collect]:
        """Collect annotated people, who need no detector; see :class:`TrainingBoxes`."""
        unlabelled = getattr(head, 'uses_unlabelled', False)
        people = training_rois(samples, source.training_boxes, unlabelled)
        yield lambda: people


@MODELS.register_module()
class ProposalBoxes:
    """The proposals of the detector, with the identity of the person that a box is assigned to.

    Proposals are those of the first stage of a two-stage detector, or the detections of a detector
    of one stage, as they are at test time, without gradient. mmdet's assigner and sampler decide
    which of them are people, as in training a box head. So do the systems that learn on proposals,
    such as Xiao et al., "Joint Detection and Identification Feature Learning" (CVPR 2017).

    Args:
        assigner: Config of a box assigner of mmdet; by default a box is the person with whom it
            has the largest IoU, from 0.5.
        sampler: Config of a box sampler of mmdet, by image; by default 128 boxes, half of them
            people where there are so many, annotated boxes among the proposals.
        refine: Whether the box head of a two-stage detector first moves what was sampled, which is
            then sampled again: re-ID learns on boxes as the detector returns them. Li and Miao,
            "Sequential End-to-end Network for Efficient Person Search" (AAAI 2021).
    """

    def __init__(
        self, assigner: dict | None = None, sampler: dict | None = None, refine: bool = False
    ) -> None:
        self.assigner = MMDET_TASK_UTILS.build(assigner or dict(ASSIGNER))
        self.sampler = MMDET_TASK_UTILS.build(sampler or dict(SAMPLER))
        self.refine = refine

    def check(self, detector: nn.Module, source: SharedFeature) -> None:
        """Reject a detector without a dense head, and crops of original images.

        Raises:
            ConfigError: It is one.
        """
        if not hasattr(dense_head(detector), 'predict'):
            raise ConfigError(
                f'mmps.ProposalBoxes asks rpn_head or bbox_head for proposals, but '
                f'{type(detector).__name__} has neither: use mmps.GroundTruthBoxes'
            )
        if source.later_stages is None:
            raise ConfigError(
                "mmps.ProposalBoxes are boxes in the network's input, but mmps.DisjointDetector "
                'cuts people from original images: use mmps.GroundTruthBoxes'
            )
        if self.refine and not hasattr(getattr(detector, 'roi_head', None), '_bbox_forward'):
            raise ConfigError(
                'mmps.ProposalBoxes(refine=True) moves proposals by the box head of a two-stage '
                f'detector, which {type(detector).__name__} has not: leave `refine` out'
            )

    @contextmanager
    def watch(
        self,
        detector: nn.Module,
        samples: Sequence[DetDataSample],
        source: SharedFeature,
        head: nn.Module,
    ) -> Iterator[Collect]:
        """Collect sampled proposals, by image people first; see :class:`TrainingBoxes`."""
        dense, seen = dense_head(detector), []
        handle = dense.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))

        def collect() -> tuple[Tensor, Tensor]:
            handle.remove()
            if not seen:
                raise ConfigError(
                    f'the loss of {type(detector).__name__} does not run {type(dense).__name__} as '
                    'a module, so its proposals are not known: use mmps.GroundTruthBoxes'
                )
            boxes = propose(dense, seen[0], samples)
            if self.refine:
                sampled = [
                    self._assign(*pair, source)[0] for pair in zip(boxes, samples, strict=True)
                ]
                boxes = refine(detector.roi_head, seen[0], sampled, samples)
            return self._sampled(boxes, samples, source, head)

        try:
            yield collect
        finally:
            handle.remove()

    def _sampled(
        self,
        proposals: Sequence[Tensor],
        samples: Sequence[DetDataSample],
        source: SharedFeature,
        head: nn.Module,
    ) -> tuple[Tensor, Tensor]:
        rois, identities = [], []
        for index, sample in enumerate(samples):
            boxes, ids = self._assign(proposals[index], sample, source)
            kept = takes_part(head, ids)
            rois.append(as_rois(boxes[kept], index))
            identities.append(ids[kept])
        return torch.cat(rois), torch.cat(identities)

    def _assign(
        self, proposals: Tensor, sample: DetDataSample, source: SharedFeature
    ) -> tuple[Tensor, Tensor]:
        """Sample boxes of an image: ``(N, 4)``, and ``(N,)`` whose they are."""
        people = sample.gt_instances
        truth = InstanceData(
            bboxes=source.training_boxes(sample).float(),
            labels=people.labels.new_full((len(people),), PERSON_LABEL),
        )
        ignored = sample.get('ignored_instances')
        if ignored is not None:
            ignored = InstanceData(bboxes=get_box_tensor(ignored.bboxes).float())
        priors = InstanceData(priors=proposals)
        assigned = self.assigner.assign(priors, truth, ignored)
        sampled = self.sampler.sample(assigned, priors, truth)
        own = in_space(people.person_ids, sample.metainfo.get('identity_space', 0))
        background = own.new_full((len(sampled.neg_priors),), BACKGROUND)
        ids = torch.cat([own[sampled.pos_assigned_gt_inds], background])
        return torch.cat([sampled.pos_priors, sampled.neg_priors]), ids


def training_rois(
    samples: Sequence[DetDataSample],
    boxes_of: Callable[[DetDataSample], Tensor],
    unlabelled: bool = False,
) -> tuple[Tensor, Tensor]:
    """Collect the annotated people of a training batch.

    Args:
        samples: The batch.
        boxes_of: Finds a sample's ``(N, 4)`` boxes in pixels of what is pooled.
        unlabelled: Whether people of unknown identity are wanted too.

    Returns:
        ``(N, 5)`` RoIs in pixels of what is pooled and ``(N,)`` identities, which are equal exactly
        for the same person of the same data set.
    """
    rois, identities = [], []
    for index, sample in enumerate(samples):
        ids = sample.gt_instances.person_ids
        kept = is_labelled(ids) | unlabelled
        rois.append(as_rois(boxes_of(sample)[kept].float(), index))
        identities.append(in_space(ids[kept], sample.metainfo.get('identity_space', 0)))
    return torch.cat(rois), torch.cat(identities)


def numbered(person_ids: Tensor, identities: IdentityMap | None, head: nn.Module) -> Tensor:
    """Number the identities of a batch as those of the training set.

    Args:
        person_ids: ``(N,)`` as :func:`training_rois` returns them.
        identities: Of the training set; losses that only compare identities do without.
        head: Whose loss learns from them.

    Raises:
        ConfigError: The loss needs numbers, and there are none.
    """
    if identities is not None:
        return identities.number(person_ids)
    losses = getattr(head, 'losses', None)
    if getattr(losses, 'needs_numbers', False):
        raise ConfigError(
            f'{type(losses.active).__name__} has a place for each identity of the training set, '
            'whose identities nobody has numbered: train with mmps.OnePhaseHook, or call '
            '`set_identities` of the model'
        )
    return person_ids
