from __future__ import annotations

import numpy as np
import torch
from mmdet.datasets.transforms import PackDetInputs
from mmengine.structures import InstanceData

from mmps.registry import TRANSFORMS
from mmps.structures import UNLABELLED, DataError
from mmps.structures.originals import ORIGINAL_IMAGE

META_KEYS = (
    'img_id', 'img_path', 'camera_id', 'ori_shape', 'img_shape', 'scale_factor', 'flip',
    'flip_direction',
)  # fmt: skip


@TRANSFORMS.register_module()
class PackPersonSearchInputs(PackDetInputs):
    """Pack an image as mmdet does, with identities and queries.

    ``gt_instances`` gets ``person_ids`` ``(N,)`` and ``ann_indices`` ``(N,)``, the positions in
    the file's ``annotations``; the same holds for ``ignored_instances``. ``query_instances`` has
    ``bboxes`` ``(Q, 4)`` xyxy in pixels of the image file, ``person_ids`` and ``query_indices``.
    After :class:`KeepOriginalImage` the sample has ``original_image`` ``(3, H, W)`` uint8, and
    ``gt_instances`` has ``image_bboxes`` ``(N, 4)`` xyxy in its pixels, as annotated.

    Meta information always has the ``identity_space`` of a data set that has one. If a transform
    mixes boxes of several images without recording whose they are, there are no ``ann_indices``;
    only data sets without identities permit this.

    Args:
        meta_keys: Further keys of the results to put into the sample's meta information.
    """

    mapping_table = {
        **PackDetInputs.mapping_table,
        'gt_person_ids': 'person_ids',
        'gt_ann_indices': 'ann_indices',
        'gt_image_bboxes': 'image_bboxes',
    }

    def __init__(self, meta_keys: tuple[str, ...] = META_KEYS) -> None:
        super().__init__(meta_keys=meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack one image.

        Raises:
            DataError: Another class of data set read the people, or a transform dropped boxes
                without recording whose they were although identities are used.
        """
        if 'gt_bboxes' in results:
            _check_origin(results)
            if 'gt_instances_ids' in results:
                self._look_people_up(results)
        packed = super().transform(results)
        if 'identity_space' in results:
            packed['data_samples'].set_metainfo({'identity_space': results['identity_space']})
        queries = results.get('queries', [])
        packed['data_samples'].query_instances = InstanceData(
            bboxes=torch.from_numpy(_boxes(queries)),
            person_ids=torch.from_numpy(_column(queries, 'person_id')),
            query_indices=torch.from_numpy(_column(queries, 'query_index')),
        )
        if ORIGINAL_IMAGE in results:
            image = torch.from_numpy(results[ORIGINAL_IMAGE]).permute(2, 0, 1)
            packed['data_samples'].set_field(image, ORIGINAL_IMAGE)
        return packed

    def _look_people_up(self, results: dict) -> None:
        people = results['instances']
        kept = results['gt_instances_ids']
        if len(kept) != len(results['gt_bboxes']):
            if results.get('use_identities', True):
                raise DataError(
                    'A transform of the pipeline dropped or added boxes but not their '
                    '`gt_instances_ids`, so identities are lost: set use_identities=False in the '
                    'data set, which serves detection as well (Mosaic, RandomAffine), or use '
                    'RandomCrop, or a transform that keeps every box'
                )
            results['gt_person_ids'] = np.full(len(results['gt_bboxes']), UNLABELLED)
            return
        results['gt_person_ids'] = _column(people, 'person_id')[kept]
        results['gt_ann_indices'] = _column(people, 'ann_index')[kept]
        if ORIGINAL_IMAGE in results:
            results['gt_image_bboxes'] = _boxes(people)[kept]


def _boxes(rows: list[dict]) -> np.ndarray:
    return np.array([row['bbox'] for row in rows], dtype=np.float32).reshape(-1, 4)


def _check_origin(results: dict) -> None:
    people = results.get('instances', [])
    if any('person_id' not in person or 'ann_index' not in person for person in people):
        raise DataError(
            f'the people of {results.get("img_path", "an image")} have no `person_id`: another '
            'class of data set, such as CocoDataset, read them; use mmps.PersonSearchDataset, '
            'with use_identities=False for a set that serves detection only'
        )


def _column(rows: list[dict], key: str) -> np.ndarray:
    return np.array([row[key] for row in rows], dtype=np.int64)
