from __future__ import annotations

import torch
from mmdet.structures import DetDataSample
from mmengine.model import BaseModel
from torch import Tensor

from mmps.registry import MODELS

from .instances import (
    instances_to_embed,
    test_rois,
    training_rois,
    write_embeddings,
)


@MODELS.register_module()
class CropReID(BaseModel):
    """Re-identification alone: a network on crops of annotated people, without a detector.

    A plain MMEngine model, and an example of :class:`TripletReIDHead` outside of person search.

    Args:
        backbone: Config of the crops' network, whose last output is used.
        aggregation: Config of the step from maps to vectors.
        head: Config of the head; its ``in_channels`` is filled in.
        crop_size: (height, width) of a crop.
        data_preprocessor: Config for scene images.
    """

    def __init__(
        self,
        backbone: dict,
        aggregation: dict,
        head: dict,
        crop_size: tuple[int, int] = (256, 128),
        data_preprocessor: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor or {'type': 'DetDataPreprocessor'})
        pooling = {'type': 'mmps.RoIPooling', 'stride': 1, 'output_size': crop_size}
        self.crop = MODELS.build(pooling)
        self.backbone = MODELS.build(backbone)
        self.aggregation = MODELS.build(aggregation)
        self.head = MODELS.build({'in_channels': self.backbone.feat_dim, **head})

    def extract_feat(self, inputs: Tensor, rois: Tensor) -> Tensor:
        """Describe people: ``(B, 3, H, W)`` images and ``(N, 5)`` RoIs to ``(N, C)``."""
        return self.aggregation(self.backbone(self.crop(inputs, rois))[-1])

    def forward(
        self, inputs: Tensor, data_samples: list[DetDataSample], mode: str = 'loss'
    ) -> dict[str, Tensor] | list[DetDataSample] | Tensor:
        """Compute losses, or embed the people of the data samples.

        Args:
            inputs: ``(B, 3, H, W)`` normalised images.
            data_samples: With ``gt_instances``, and at test time also queries.
            mode: ``'loss'``, ``'predict'``, or ``'tensor'`` for the vectors before the head.
        """
        if mode != 'predict':
            rois, person_ids = training_rois(data_samples)
            features = self.extract_feat(inputs, rois)
            return self.head.loss(features, person_ids) if mode == 'loss' else features
        people = instances_to_embed(data_samples)
        rois = test_rois(people, data_samples, inputs)
        embeddings = inputs.new_zeros(0, self.head.embedding_channels, dtype=torch.float32)
        if len(rois):
            embeddings = self.head(self.extract_feat(inputs, rois))
        write_embeddings(people, embeddings)
        return data_samples
