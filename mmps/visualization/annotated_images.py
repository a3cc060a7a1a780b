"""Annotated images of a data set, as its pipeline passes them to a model."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator

import cv2
import numpy as np
from mmdet.structures import DetDataSample
from mmengine.dataset import BaseDataset, ConcatDataset
from torch import Tensor

from mmps.structures import UNLABELLED, image_to_network, is_labelled

Colour = tuple[int, int, int]

GREY = (150, 150, 150)
QUERY = (0, 215, 255)
_GOLDEN_RATIO = 0.618033988749895


def identity_colour(person_id: int) -> Colour:
    """Choose the colour of an identity: close numbers get colours far apart.

    Args:
        person_id: The identity, negative if unknown.

    Returns:
        BGR, grey for people without identity.
    """
    if not is_labelled(person_id):
        return GREY
    red, green, blue = colorsys.hsv_to_rgb(person_id * _GOLDEN_RATIO % 1, 0.85, 0.95)
    return (round(255 * blue), round(255 * green), round(255 * red))


def leaf_datasets(dataset: BaseDataset | ConcatDataset) -> Iterator[BaseDataset]:
    """Iterate over the parts of a data set that may be concatenated.

    Args:
        dataset: A data set, concatenated at any depth.

    Yields:
        The data sets that read files themselves.
    """
    parts = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if parts == [None]:
        yield dataset
    for part in filter(None, parts):
        yield from leaf_datasets(part)


def boxes_follow_resize(dataset: BaseDataset) -> bool:
    """Check whether a pipeline scales boxes with the image.

    Args:
        dataset: A data set with a pipeline.

    Returns:
        ``False`` if people are loaded after the resize, as mmdet does in tests.
    """
    names = [type(transform).__name__ for transform in dataset.pipeline.transforms]
    loading = [k for k, name in enumerate(names) if name in ('LoadPeople', 'LoadAnnotations')]
    resizing = [k for k, name in enumerate(names) if 'Resize' in name]
    return not (loading and resizing) or loading[0] < resizing[0]


def annotate(inputs: Tensor, sample: DetDataSample, *, boxes_follow: bool) -> np.ndarray:
    """Draw people and queries on an image.

    Args:
        inputs: ``(3, H, W)`` BGR, 0..255, as the pipeline packs it.
        sample: Data sample with its annotation.
        boxes_follow: Whether people's boxes are in pixels of ``inputs``, not of the file.

    Returns:
        ``(H, W, 3)`` uint8 BGR: identities in their colours, unlabelled people grey, ignore
        regions crossed out, queries with a second frame.
    """
    image = np.ascontiguousarray(inputs.permute(1, 2, 0).numpy().astype(np.uint8))
    scale = sample.metainfo.get('scale_factor', (1.0, 1.0))
    for group, ignored in ((sample.gt_instances, False), (sample.ignored_instances, True)):
        boxes = _plain(group.bboxes)
        boxes = boxes if boxes_follow else image_to_network(boxes, scale)
        ids = group.person_ids.tolist() if 'person_ids' in group else [UNLABELLED] * len(boxes)
        for box, person_id in zip(boxes.tolist(), ids, strict=True):
            _draw_person(image, box, person_id, ignored=ignored)
    if 'query_instances' in sample and not sample.metainfo.get('flip', False):
        for box in image_to_network(sample.query_instances.bboxes, scale).tolist():
            corners = np.rint(box).astype(int)
            cv2.rectangle(image, corners[:2] - 3, corners[2:] + 3, QUERY, 1)
    return image


def _plain(boxes: object) -> Tensor:
    return getattr(boxes, 'tensor', boxes)


def _draw_person(image: np.ndarray, box: list[float], person_id: int, *, ignored: bool) -> None:
    x1, y1, x2, y2 = (round(value) for value in box)
    colour = identity_colour(person_id)
    cv2.rectangle(image, (x1, y1), (x2, y2), colour, 2 if is_labelled(person_id) else 1)
    if ignored:
        cv2.line(image, (x1, y1), (x2, y2), colour, 1, cv2.LINE_AA)
        cv2.line(image, (x1, y2), (x2, y1), colour, 1, cv2.LINE_AA)
    elif is_labelled(person_id):
        label = str(person_id)
        (width, height), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, 0.4, 1)
        top = max(y1, height + 4)
        cv2.rectangle(image, (x1, top - height - 4), (x1 + width + 4, top), colour, -1)
        place = (x1 + 2, top - 3)
        cv2.putText(
            image, label, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (20, 20, 20), 1, cv2.LINE_AA
        )
