from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.structures import DetDataSample
from torch import Tensor

from mmps.checkpoints.origin import follow_weights, note_pretrained
from mmps.models.reid.shared_feature import Feature, SharedFeature
from mmps.models.reid.training_boxes import numbered
from mmps.registry import MODELS
from mmps.structures import ConfigError, IdentityMap

from .instances import (
    inference_rois,
    instances_to_embed,
    keep_people,
    refuse_mirrored,
    write_embeddings,
)

PHASES = {
    'detection': ('detector',),
    'reid': ('reid_branch',),
    'joint': ('detector', 'reid_branch'),
}
"""The parts that learn in each phase of training."""


class PersonSearchDetector(BaseDetector):
    """A detector and a re-ID branch that pools a feature in the detector's boxes.

    What :class:`SharedBackboneDetector` and :class:`DisjointDetector` have in common: phases,
    losses, prediction, pooled features for the cache.

    Args:
        detector: A detector of mmdet, which is run as it is.
        source: Where people are pooled: a stage of the detector's backbone, or the image.
        reid_branch: Config of the whole branch.
        images: Config of the preprocessor for scene images.
        phase: What learns, a key of ``PHASES``; the two-phase hook moves it along.
        detach: Whether gradients of the re-ID loss stop at the feature, as in the paper's
            section 2; matters in the phase ``joint`` only.
        training_boxes: Config of where the people of the phase ``joint`` come from, by default
            :class:`GroundTruthBoxes`.
        init_cfg: As in any module of MMEngine.
    """

    def __init__(
        self,
        detector: BaseDetector,
        source: SharedFeature,
        reid_branch: dict,
        images: dict,
        phase: str = 'joint',
        detach: bool = True,
        training_boxes: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            data_preprocessor={'type': 'mmps.SearchDataPreprocessor', 'images': images},
            init_cfg=init_cfg,
        )
        self._preprocessor = str(images)
        self.detector = detector
        self.training_boxes = MODELS.build(training_boxes or {'type': 'mmps.GroundTruthBoxes'})
        self.identities: IdentityMap | None = None
        self.source = source
        self.training_boxes.check(self.detector, source)
        self.reid_branch = MODELS.build(reid_branch)
        self.detach = detach
        self.min_score = 0.0
        self._learns = {name: p.requires_grad for name, p in self.named_parameters()}
        follow_weights(self)
        self.set_phase(phase)

    def set_phase(self, phase: str) -> None:
        """Choose what learns: gradients, and training mode of normalisation and dropout.

        Args:
            phase: A key of ``PHASES``.

        Raises:
            ConfigError: The phase is not one of them.
        """
        if phase not in PHASES:
            raise ConfigError(f'phase={phase!r} must be one of {", ".join(PHASES)}')
        self.phase = phase
        losses = getattr(self.reid_branch.head, 'losses', None)
        idle = {f'reid_branch.head.losses.{name}' for name in getattr(losses, 'idle_weights', ())}
        for name, parameter in self.named_parameters():
            learns = self._learns.setdefault(name, parameter.requires_grad)  # losses come late
            active = name.split('.')[0] in PHASES[phase] and name not in idle
            parameter.requires_grad_(active and learns)
        self.train(self.training)

    def set_identities(self, identities: IdentityMap) -> None:
        """Number people by the training set's identities, and build losses that wait for them."""
        self.identities = identities
        if hasattr(self.reid_branch.head, 'set_num_ids'):
            self.reid_branch.head.set_num_ids(len(identities))

    def init_weights(self) -> None:
        """Draw weights, or load those of ``init_cfg``, from which a joint branch begins too."""
        super().init_weights()
        note_pretrained(self)

    def train(self, mode: bool = True) -> PersonSearchDetector:
        """Switch to training or evaluation; what does not learn stays in evaluation."""
        super().train(mode)
        for name in ('detector', 'reid_branch'):
            if name not in PHASES[self.phase]:
                getattr(self, name).eval()
        return self

    def forward(
        self,
        inputs: Tensor | None = None,
        data_samples: list[DetDataSample] | None = None,
        mode: str = 'tensor',
        pooled: Tensor | None = None,
        person_ids: Tensor | None = None,
    ) -> dict[str, Tensor] | list[DetDataSample] | tuple[Tensor, ...]:
        """Run on scene images as any mmdet detector, or compute the loss of pooled features.

        Args:
            inputs: ``(B, 3, H, W)`` normalised images.
            data_samples: Annotations and meta information of the images.
            mode: ``'loss'``, ``'predict'``, ``'tensor'``, or ``'embed'`` to embed people in the
                boxes that the samples have, without detecting.
            pooled: ``(N, C, h, w)`` pooled features from the cache, instead of images.
            person_ids: ``(N,)`` identities of the pooled features.
        """
        if pooled is not None:
            return self.reid_branch.loss(pooled, person_ids)
        if mode == 'embed':
            return self.embed_instances(inputs, data_samples)
        return super().forward(inputs, data_samples, mode)

    def loss(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample]) -> dict:
        """Compute the detector's losses, and in the joint phase the re-ID loss beside them."""
        if self.phase == 'detection':
            with _precision_of_ops(batch_inputs):
                return self.detector.loss(batch_inputs, batch_data_samples)
        source, head, samples = self.source, self.reid_branch.head, batch_data_samples
        with (
            self.training_boxes.watch(self.detector, samples, source, head) as collect,
            source.watch(batch_inputs, samples),
            _precision_of_ops(batch_inputs),
        ):
            losses = self.detector.loss(batch_inputs, samples)
            feature = source.feature
            rois, person_ids = collect()
        person_ids = numbered(person_ids, self.identities, head)
        pooled = self.reid_branch.pooling(_detached(feature) if self.detach else feature, rois)
        return losses | self.reid_branch.loss(pooled, person_ids)

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample], rescale: bool = True
    ) -> list[DetDataSample]:
        """Detect people and embed them, the ground truth's people and the queries in one pass.

        While the detection phase trains, there is nothing to embed with: boxes only. Of a detector
        of more classes, people alone are kept.
        Boxes of ``gt_instances`` and ``query_instances``, where the samples have them, are in
        pixels of the image file.

        Returns:
            The samples with ``pred_instances``; it, ``gt_instances`` and ``query_instances`` get
            ``embeddings`` ``(N, D)``.

        Raises:
            ConfigError: ``rescale`` is off, or images are mirrored: ground truth and queries know
                pixels of the image file only.
        """
        if not rescale:
            raise ConfigError(
                f'{type(self).__name__} predicts boxes in image pixels only: call '
                'predict(..., rescale=True)'
            )
        source = self.source
        if self.phase == 'detection':
            with _precision_of_ops(batch_inputs):
                samples = keep_people(self.detector.predict(batch_inputs, batch_data_samples))
        else:
            refuse_mirrored(batch_data_samples)
            with source.watch(batch_inputs, batch_data_samples), _precision_of_ops(batch_inputs):
                samples = self.detector.predict(batch_inputs, batch_data_samples, rescale=True)
                feature = source.feature
            self._embed_people(feature, keep_people(samples, self.min_score), batch_inputs)
        source.release(samples)
        return samples

    def embed_instances(
        self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample]
    ) -> list[DetDataSample]:
        """Embed people in given boxes, equal to :meth:`predict`, but without detecting.

        The backbone ends at the shared stages; neck and head do not run. For a gallery whose boxes
        are known, and for queries alone.

        Args:
            batch_inputs: ``(B, 3, H, W)`` normalised images.
            batch_data_samples: With ``bboxes``, xyxy in pixels of the image file, in any of
                ``pred_instances``, ``gt_instances`` and ``query_instances``.

        Returns:
            The samples; these instances get ``embeddings`` ``(N, D)``.

        Raises:
            ConfigError: Images are mirrored.
        """
        refuse_mirrored(batch_data_samples)
        feature = self._feature(batch_inputs, batch_data_samples)
        self._embed_people(feature, batch_data_samples, batch_inputs)
        self.source.release(batch_data_samples)
        return batch_data_samples

    def embed(
        self, batch_inputs: Tensor, rois: Tensor, batch_data_samples: Sequence[DetDataSample] = ()
    ) -> Tensor:
        """Embed people in given RoIs; neck and head of the detector do not run.

        Args:
            batch_inputs: ``(B, 3, H, W)`` normalised images.
            rois: ``(N, 5)`` (image index, x1, y1, x2, y2), as in :meth:`pool`.
            batch_data_samples: Of the images; the disjoint baseline cuts its crops from them.

        Returns:
            ``(N, D)``; ``(0, D)`` without RoIs.
        """
        return self.reid_branch(self._feature(batch_inputs, batch_data_samples), rois)

    def _feature(
        self, inputs: Tensor, samples: Sequence[DetDataSample], mirror: bool = False
    ) -> Feature:
        with _precision_of_ops(inputs):
            return self.source.run(inputs, samples, mirror)

    def _embed_people(self, feature: Feature, samples: list[DetDataSample], like: Tensor) -> None:
        people = instances_to_embed(samples)
        rois = inference_rois(people, samples, self.source.place, like)
        write_embeddings(people, self.reid_branch(feature, rois))

    def pool(
        self,
        batch_inputs: Tensor,
        rois: Tensor,
        batch_data_samples: Sequence[DetDataSample] = (),
        mirror: bool = False,
    ) -> Tensor:
        """Compute what phase 2 learns from: shared features, or images, pooled in boxes.

        Args:
            batch_inputs: ``(B, 3, H, W)`` normalised images.
            rois: ``(N, 5)`` (image index, x1, y1, x2, y2) in the pixels that ``source.place``
                moves boxes to: for shared stages those of the network's input.
            batch_data_samples: Of the images; the disjoint baseline cuts its crops from them.
            mirror: Whether images are mirrored, as ``source.place`` then mirrors boxes.

        Returns:
            ``(N, C, h, w)``.
        """
        feature = self._feature(batch_inputs, batch_data_samples, mirror)
        return self.reid_branch.pooling(feature, rois)

    @property
    def pooled_shape(self) -> tuple[int, int, int]:
        """(C, h, w) of a pooled feature."""
        return (self.source.channels, *self.reid_branch.pooling.output_size)

    def feature_fingerprint(self) -> dict[str, Any]:
        """Describe all of the model that pooled features depend on."""
        return {
            **self.source.weights(),
            'pooling': repr(self.reid_branch.pooling),
            'preprocessor': self._preprocessor,
        }

    def extract_feat(self, batch_inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the detector's features, as mmdet's tools expect."""
        return self.detector.extract_feat(batch_inputs)

    def _forward(
        self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample] | None = None
    ) -> tuple[Tensor, ...]:
        return self.detector._forward(batch_inputs, batch_data_samples)


def _detached(feature: Feature) -> Feature:
    return feature.detach() if isinstance(feature, Tensor) else [part.detach() for part in feature]


def _precision_of_ops(inputs: Tensor) -> AbstractContextManager:
    """Keep a detector on the CPU out of autocast: mmcv's NMS there knows single precision only."""
    return torch.autocast('cpu', enabled=False) if inputs.device.type == 'cpu' else nullcontext()
