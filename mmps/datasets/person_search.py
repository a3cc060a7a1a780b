from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from mmdet.datasets.base_det_dataset import BaseDetDataset
from mmengine.logging import MMLogger

from mmps.formats.annotations import PICTURE_KEYS, annotations_by_image, person_id, read_annotations
from mmps.registry import DATASETS
from mmps.structures import UNLABELLED, DataError, is_labelled


@DATASETS.register_module()
class PersonSearchDataset(BaseDetDataset):
    """Scene images with person boxes, identities, cameras and queries.

    One class for every data set: converters bring them all into one JSON format, described in
    ``mmps/datasets/README.md``. In training, boxes that lie outside their image or measure less
    than one pixel are left out, and the log says how many; in tests nothing is left out.

    Args:
        use_identities: Whether person ids are read. Off for sets that serve detection only: then
            everybody is unlabelled.
        unlabelled_ids: Values of ``person_id`` that mean unknown in this file.
        leave_out_unusable: Whether boxes that show nobody are left out; where not given, they are
            in training (phase 2 trains on a data set in test mode) and not in tests.
        **kwargs: As in mmdet's ``BaseDetDataset`` (``ann_file``, ``data_root``, ``data_prefix``,
            ``pipeline``, ``filter_cfg``, ``test_mode``, ...).
    """

    METAINFO = {'classes': ('person',), 'palette': [(220, 20, 60)]}

    def __init__(
        self,
        *args: Any,
        use_identities: bool = True,
        unlabelled_ids: tuple[int, ...] = (UNLABELLED,),
        leave_out_unusable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        self.use_identities = use_identities
        self.unlabelled_ids = tuple(unlabelled_ids)
        self.leave_out_unusable = leave_out_unusable
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Read the annotation file.

        Returns:
            A dictionary an image, as mmdet's pipelines expect; in it, each of ``instances`` has
            ``person_id`` and ``ann_index`` (position in the file), each of ``queries`` has
            ``bbox`` (xyxy), ``person_id`` and ``query_index`` (position in the file).

        Raises:
            DataError: The file, its references or the image folder are wrong.
        """
        content = read_annotations(self.ann_file, PICTURE_KEYS)
        self._check_image_folder(content['images'])
        groups = annotations_by_image(content, self.ann_file)
        queries = _queries_by_image(content.get('queries', []), groups, self.ann_file)
        skipped: Counter[str] = Counter()
        data_list = [
            {
                **self._image(image),
                'instances': self._instances(groups[image['id']], image, skipped),
                'queries': queries.get(image['id'], []),
            }
            for image in content['images']
        ]
        self._report(data_list, skipped)
        return data_list

    def filter_data(self) -> list[dict]:
        """Drop images without a person, and tiny ones, in training if ``filter_cfg`` says so."""
        if self.test_mode or self.filter_cfg is None:
            return self.data_list
        smallest = self.filter_cfg.get('min_size', 0)
        drop_empty = self.filter_cfg.get('filter_empty_gt', False)
        return [
            info
            for info in self.data_list
            if min(info['width'], info['height']) >= smallest
            and (not drop_empty or any(not i['ignore_flag'] for i in info['instances']))
        ]

    @property
    def _image_root(self) -> Path:
        # mmdet's configs say `img`, MMEngine's default says `img_path`.
        return Path(self.data_prefix.get('img', self.data_prefix.get('img_path', '')))

    def _image(self, image: dict) -> dict:
        return {
            'img_path': str(self._image_root / image['file_name']),
            'img_id': image['id'],
            'width': image['width'],
            'height': image['height'],
            'camera_id': image.get('camera_id'),
        }

    def _instances(self, annotations: list[dict], image: dict, skipped: Counter) -> list[dict]:
        instances = []
        leave_out = self.leave_out_unusable
        leave_out = not self.test_mode if leave_out is None else leave_out
        for annotation in annotations:
            if leave_out and not _is_usable(annotation['bbox'], image):
                skipped[image['file_name']] += 1
                continue
            x, y, width, height = annotation['bbox']
            identity = person_id(annotation, self.unlabelled_ids)
            instances.append(
                {
                    'bbox': [x, y, x + width, y + height],
                    'bbox_label': 0,
                    'ignore_flag': int(bool(annotation.get('iscrowd', 0))),
                    'person_id': identity if self.use_identities else UNLABELLED,
                    'ann_index': annotation['ann_index'],
                }
            )
        return instances

    def _check_image_folder(self, images: list[dict]) -> None:
        root = self._image_root
        first = [image['file_name'] for image in images[:1]]
        if not root.is_dir() or any(not (root / name).exists() for name in first):
            raise DataError(
                f'The images of {self.ann_file} are not under {root.resolve()} (looked for '
                f'{first[0] if first else "the folder"}): set `data_root` to the folder that '
                'holds the data set'
            )

    def _report(self, data_list: list[dict], skipped: Counter) -> None:
        logger = MMLogger.get_current_instance()
        people = [person for info in data_list for person in info['instances']]
        shots = Counter(p['person_id'] for p in people if is_labelled(p['person_id']))
        logger.info(
            '%s: %d images, %d boxes, %d of them labelled, %d identities, %d queries',
            self.ann_file, len(data_list), len(people), shots.total(), len(shots),
            sum(len(info['queries']) for info in data_list),
        )  # fmt: skip
        once = [identity for identity, count in shots.items() if count == 1]
        if once and not self.test_mode:
            logger.info(
                '%s: %d identities appear once (the first: person_id %d); they serve as '
                'negatives only',
                self.ann_file, len(once), min(once),
            )  # fmt: skip
        if skipped:
            logger.warning(
                '%s: left out of training: %d boxes that lie outside their image or are under '
                'one pixel, in %d images (the first: %s); correct them in this file if they '
                'should count',
                self.ann_file, skipped.total(), len(skipped), next(iter(skipped)),
            )  # fmt: skip


def _is_usable(bbox: list[float], image: dict) -> bool:
    """Tell whether a box shows anything: part of it is in the image, and a pixel or more."""
    x, y, width, height = bbox
    seen_width = min(x + width, image['width']) - max(x, 0)
    seen_height = min(y + height, image['height']) - max(y, 0)
    return min(seen_width, seen_height) > 0 and min(width, height) >= 1


def _queries_by_image(queries: list[dict], images: dict, path: str) -> dict[int, list[dict]]:
    groups: dict[int, list[dict]] = {}
    for index, query in enumerate(queries):
        if query['image_id'] not in images:
            raise DataError(
                f'{path}: query {index} names image_id {query["image_id"]}, which is not among '
                'its `images`'
            )
        x, y, width, height = query['bbox']
        groups.setdefault(query['image_id'], []).append(
            {
                'bbox': [x, y, x + width, y + height],
                'person_id': person_id(query),
                'query_index': index,
            }
        )
    return groups
