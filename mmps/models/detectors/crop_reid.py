from __future__ import annotations

import torch
from mmdet.structures import DetDataSample
from mmengine.model import BaseModel
from torch import Tensor

from mmps.models.reid.original_images import OriginalImages, normalisation, swaps_channels
from mmps.models.reid.training_boxes import numbered, training_rois
from mmps.registry import MODELS
from mmps.structures import IdentityMap
from mmps.structures.originals import drop_originals

from .instances import (
    inference_rois,
    instances_to_embed,
    write_embeddings,
)


@MODELS.register_module()
class CropReID(BaseModel):
    """Re-identification alone: a network on crops of annotated people, without a detector.

    A plain MMEngine model, and an example of :class:`TripletReIDHead` outside of person search.
    Crops are cut from the original images (:class:`mmps.KeepOriginalImage`).

    Args:
        backbone: Config of the crops' network, as in :class:`CropBackbone`.
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
        self.source = OriginalImages()
        mean, std = normalisation(self.data_preprocessor)
        self.crop = MODELS.build(
            {
                'type': 'mmps.CropAndResize',
                'output_size': crop_size,
                'swap_channels': swaps_channels(self.data_preprocessor),
            }
        )
        self.backbone = MODELS.build(
            {'type': 'mmps.CropBackbone', 'backbone': backbone, 'mean': mean, 'std': std}
        )
        self.aggregation = MODELS.build(aggregation)
        self.head = MODELS.build({'in_channels': self.backbone.out_channels, **head})
        self.identities: IdentityMap | None = None

    def set_identities(self, identities: IdentityMap) -> None:
        """Number people by the training set's identities, and build losses that wait for them."""
        self.identities = identities
        self.head.set_num_ids(len(identities))

    def extract_feat(self, images: list[Tensor], rois: Tensor) -> Tensor:
        """Describe people: ``(3, H, W)`` images in 0..255 and ``(N, 5)`` RoIs to ``(N, C)``."""
        return self.aggregation(self.backbone(self.crop(images, rois)))

    def forward(
        self, inputs: Tensor, data_samples: list[DetDataSample], mode: str = 'loss'
    ) -> dict[str, Tensor] | list[DetDataSample] | Tensor:
        """Compute losses, or embed the people of the data samples.

        Args:
            inputs: ``(B, 3, H, W)`` normalised images; only their device matters.
            data_samples: With original images and ``gt_instances``, at test time also queries.
            mode: ``'loss'``, ``'predict'``, or ``'tensor'`` for the vectors before the head.
        """
        images = self.source.run(inputs, data_samples)
        if mode != 'predict':
            unlabelled = getattr(self.head, 'uses_unlabelled', False)
            rois, person_ids = training_rois(data_samples, self.source.training_boxes, unlabelled)
            features = self.extract_feat(images, rois)
            if mode == 'tensor':
                return features
            person_ids = numbered(person_ids, self.identities, self.head)
            return self.head.loss(features, person_ids)
        people = instances_to_embed(data_samples)
        rois = inference_rois(people, data_samples, self.source.place, inputs)
        embeddings = inputs.new_zeros(0, self.head.embedding_channels, dtype=torch.float32)
        if len(rois):
            embeddings = self.head(self.extract_feat(images, rois))
        write_embeddings(people, embeddings)
        drop_originals(data_samples)
        return data_samples
