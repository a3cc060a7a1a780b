from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.datasets.base_det_dataset import BaseDetDataset
from mmengine.fileio import get_local_path, join_path
from mmengine.logging import MMLogger

from mmps.formats.annotations import (
    FRACTIONS,
    IMAGE_KEYS,
    Annotations,
    log_remarks,
    read_annotations,
)
from mmps.formats.reading import Reading
from mmps.registry import DATASETS
from mmps.structures import UNLABELLED, ConfigError, DataError, identity_space, is_labelled

_UNUSABLE = 'outside their image or are under one pixel'


@DATASETS.register_module()
class PersonSearchDataset(BaseDetDataset):
    """Scene images with person boxes, identities, cameras and queries.

    One class serves every data set: converters produce one JSON format, described in
    ``mmps/datasets/README.md``. In training, boxes outside their image or smaller than one pixel
    are left out, and the log counts them; in tests nothing is left out.

    Args:
        use_identities: Whether person ids are read. Turn it off for sets that serve detection
            only; then everybody is unlabelled.
        unlabelled_ids: Identities that mean unknown in this file; negative ones always do.
        identity_key: Field of ``annotations`` with the identities in a file of another tool,
            such as ``attributes.track_id``. If track numbers start again in each video, use
            only one video.
        identity_space: A name for the people whose ids the file uses. By default each file has
            its own: equal ids in two joined data sets are two people. If they are one person, as
            in the parts of a file that was split, set the same name in both.
        leave_out_unusable: Whether boxes that cannot show anybody are left out; by default in
            training (phase 2 trains on a data set in test mode), not in tests.
        metainfo: As in mmdet; its ``classes`` are the categories of the file that are people. By
            default those named person, pedestrian or people, or the only one.
        **kwargs: As in mmdet's ``BaseDetDataset`` (``ann_file``, ``data_root``, ``data_prefix``,
            ``pipeline``, ``filter_cfg``, ``test_mode``, ...). ``backend_args`` reads the
            annotation file; images need it at the pipeline's ``LoadImageFromFile``, too.
    """

    METAINFO = {'classes': ('person',), 'palette': [(220, 20, 60)]}

    def __init__(
        self,
        *args: Any,
        use_identities: bool = True,
        unlabelled_ids: Sequence[int] = (UNLABELLED,),
        identity_key: str | None = None,
        leave_out_unusable: bool | None = None,
        metainfo: dict | None = None,
        identity_space: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.use_identities = use_identities
        chosen = self._load_metainfo(metainfo)['classes'] if 'classes' in (metainfo or {}) else None
        self.reading = Reading.of(unlabelled_ids, identity_key, chosen)
        self.leave_out_unusable = leave_out_unusable
        if not isinstance(identity_space, str | None):
            raise ConfigError(
                'identity_space must be a name, the same text for all files of the same people, '
                f'not {identity_space!r}'
            )
        self.identity_space = identity_space
        # Whatever the categories of the file are called, models see one class.
        metainfo = {k: v for k, v in (metainfo or {}).items() if k != 'classes'}
        super().__init__(*args, metainfo=metainfo, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Read the annotation file.

        Returns:
            One dictionary per image, as mmdet's pipelines expect; each of its ``instances`` has
            ``person_id`` and ``ann_index`` (position in the file), each of ``queries`` has
            ``bbox`` (xyxy), ``person_id`` and ``query_index`` (position in the file), and
            ``identity_space`` says whose ids these are, see :func:`mmps.structures.in_space`.
            ``gt_instances_ids`` ``(N,)`` numbers the instances: mmdet's cropping transforms keep
            it aligned with the boxes, and :class:`PackPersonSearchInputs` finds people by it.

        Raises:
            DataError: The file, its references or the image folder are wrong.
        """
        with get_local_path(self.ann_file, backend_args=self.backend_args) as path:
            said = read_annotations(
                path, self.reading, IMAGE_KEYS, keep_empty_boxes=self._leaves_out
            )
            name = self.identity_space
            space = identity_space(name.encode() if name else Path(path).read_bytes())
        if not said.images:
            raise DataError(f'{self.ann_file} lists no images: convert or export it again')
        self._check_image_folder(said.images)
        groups, queries = said.by_image(), _queries_by_image(said.queries)
        self._left_out: Counter[str] = Counter()
        self._without: dict[str, None] = {}
        self._remarks = said.remarks
        data_list = [
            {
                **self._image(image),
                'instances': (people := self._instances(said, groups[image['id']], image)),
                'gt_instances_ids': np.arange(len(people)),
                'queries': queries.get(image['id'], []),
                'identity_space': space,
                'use_identities': self.use_identities,
            }
            for image in said.images
        ]
        log_remarks(self.ann_file, said.remarks)
        self._report(data_list)
        return data_list

    def filter_data(self) -> list[dict]:
        """Drop images without a person, and tiny ones, in training if ``filter_cfg`` says so.

        Raises:
            DataError: No image is left.
        """
        if self.test_mode or self.filter_cfg is None:
            return self.data_list
        smallest = self.filter_cfg.get('min_size', 0)
        drop_empty = self.filter_cfg.get('filter_empty_gt', False)
        kept = [
            info
            for info in self.data_list
            if min(info['width'], info['height']) >= smallest
            and (not drop_empty or any(not i['ignore_flag'] for i in info['instances']))
        ]
        if not kept:
            raise DataError(
                f'{self.ann_file}: filter_cfg leaves none of its {len(self.data_list)} images '
                f'({self._why_nothing_is_left()})'
            )
        return kept

    @property
    def metainfo(self) -> dict:
        """What the data set is about, as in MMEngine; of a test set, also its annotation file.

        ``annotation_file`` holds what ``mmps.PersonSearchMetric`` needs to read the same file in
        the same way.
        """
        info = super().metainfo
        # Not in training: paths would enter checkpoints, and joined data sets must agree.
        if self.test_mode and not self._leaves_out:
            info['annotation_file'] = {
                'ann_file': self.ann_file,
                'unlabelled_ids': self.reading.unlabelled_ids,
                'identity_key': self.reading.identity_key,
                'classes': self.reading.classes,
                'backend_args': self.backend_args,
            }
        return info

    @property
    def _image_root(self) -> str:
        # mmdet's configs say `img`, MMEngine's default says `img_path`.
        return str(self.data_prefix.get('img', self.data_prefix.get('img_path', '')))

    def _image(self, image: dict) -> dict:
        return {
            'img_path': join_path(
                self._image_root, image['file_name'], backend_args=self.backend_args
            ),
            'img_id': image['id'],
            'width': image['width'],
            'height': image['height'],
            'camera_id': image.get('camera_id'),
        }

    @property
    def _leaves_out(self) -> bool:
        chosen = self.leave_out_unusable
        return not self.test_mode if chosen is None else chosen

    def _instances(self, said: Annotations, positions: list[int], image: dict) -> list[dict]:
        instances = []
        for position in positions:
            if not (said.people[position] or said.ignored[position]):
                self._left_out['of another category'] += 1
                continue
            if self._leaves_out and not _is_usable(said.bboxes[position], image):
                self._left_out[_UNUSABLE] += 1
                self._without.setdefault(image['file_name'])
                continue
            x, y, width, height = said.bboxes[position]
            identity = said.person_ids[position] if self.use_identities else UNLABELLED
            instances.append(
                {
                    'bbox': [x, y, x + width, y + height],
                    'bbox_label': 0,
                    'ignore_flag': int(said.ignored[position]),
                    'person_id': identity,
                    'ann_index': position,
                }
            )
        return instances

    def _check_image_folder(self, images: list[dict]) -> None:
        if self.backend_args or '://' in self._image_root:
            return
        root = Path(self._image_root)
        first = [image['file_name'] for image in images[:1]]
        if not root.is_dir() or not all(os.path.isfile(root / name) for name in first):
            raise DataError(
                f'The images of {self.ann_file} are not under {root.resolve()} (looked for '
                f'{first[0] if first else "the folder"}): set `data_root` to the folder that '
                'holds the data set'
            )

    def _report(self, data_list: list[dict]) -> None:
        logger = MMLogger.get_current_instance()
        people = [person for info in data_list for person in info['instances']]
        shots = Counter(p['person_id'] for p in people if is_labelled(p['person_id']))
        logger.info(
            '%s: %d images, %d boxes, %d of them labelled, %d identities, %d queries',
            self.ann_file, len(data_list), len(people), shots.total(), len(shots),
            sum(len(info['queries']) for info in data_list),
        )  # fmt: skip
        once = [identity for identity, count in shots.items() if count == 1]
        if once and self._leaves_out:
            logger.info(
                '%s: %d identities appear once (the first: person_id %d); in phase 2 their one box '
                'fills all shots and is its own positive, in the joint objective they are '
                'negatives only',
                self.ann_file, len(once), min(once),
            )  # fmt: skip
        if self._without:
            logger.warning(
                '%s: left out of training: %d boxes that lie %s, in %d images (the first: %s); '
                'correct them in this file if they should count',
                self.ann_file, self._left_out[_UNUSABLE], _UNUSABLE, len(self._without),
                next(iter(self._without)),
            )  # fmt: skip

    def _why_nothing_is_left(self) -> str:
        instances = [i for info in self.data_list for i in info['instances']]
        counts = Counter(self._left_out)
        counts['ignore regions'] += sum(i['ignore_flag'] for i in instances)
        counts['in images under min_size'] += sum(not i['ignore_flag'] for i in instances)
        reasons = [f'{count} boxes are {reason}' for reason, count in counts.items() if count]
        hints = [remark.kind for remark in self._remarks if remark.kind == FRACTIONS]
        return '; '.join([*reasons, *hints]) or 'the file has no boxes'


def _is_usable(bbox: list[float], image: dict) -> bool:
    """Check whether a box can show anybody: at least a pixel, partly inside the image."""
    x, y, width, height = bbox
    seen_width = min(x + width, image['width']) - max(x, 0)
    seen_height = min(y + height, image['height']) - max(y, 0)
    return min(seen_width, seen_height) > 0 and min(width, height) >= 1


def _queries_by_image(queries: list[dict]) -> dict[int, list[dict]]:
    groups: dict[int, list[dict]] = {}
    for index, query in enumerate(queries):
        x, y, width, height = query['bbox']
        groups.setdefault(query['image_id'], []).append(
            {
                'bbox': [x, y, x + width, y + height],
                'person_id': query['person_id'],
                'query_index': index,
            }
        )
    return groups
