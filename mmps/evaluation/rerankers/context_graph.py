"""Context bipartite graph matching as a step of the search."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from mmps.formats.ground_truth import GroundTruth
from mmps.formats.predictions import SortedBoxes
from mmps.registry import TASK_UTILS
from mmps.retrieval import most_similar
from mmps.structures import ConfigError

from ..functional.matching import paired_iou
from ..search import Reranker, SearchPlan

SAME_PERSON_IOU = 0.5


@TASK_UTILS.register_module()
class ContextGraph:
    """Revise the images that hold a query's most similar boxes (SeqNet's CBGM).

    Boxes on the query person itself, IoU above 0.5, are no context. SeqNet takes k1 10 and k2 3 on
    CUHK-SYSU, 30 and 4 on PRW.

    Args:
        k1: Number of most similar boxes whose images are revised.
        k2: Number of people of the query's image that are matched, the query included.

    Raises:
        ConfigError: A number is less than 1.
    """

    def __init__(self, k1: int = 10, k2: int = 3) -> None:
        if min(k1, k2) < 1:
            raise ConfigError(f'mmps.ContextGraph: k1 {k1} and k2 {k2} must be at least 1.')
        self.k1 = k1
        self.k2 = k2

    def bind(
        self,
        ground_truth: GroundTruth,
        query_embeddings: np.ndarray,
        plan: SearchPlan,
        weighted: SearchPlan,
    ) -> Reranker:
        """Bind the revision to one search.

        Args:
            ground_truth: The annotation file's content.
            query_embeddings: ``(Q, D)`` in the order of the plan's queries.
            plan: Search plan; its boxes around the query are the context.
            weighted: The same plan, with boxes weighted by their scores if configured.
        """
        gallery = weighted.boxes

        def rerank(similarities: np.ndarray, block: slice) -> np.ndarray:
            for row, query in zip(similarities, range(block.start, block.stop), strict=True):
                index = int(plan.task.query_index[query])
                others = context_boxes(ground_truth, plan.boxes, index)[: self.k2 - 1]
                context = np.concatenate(
                    [query_embeddings[query : query + 1], plan.boxes.embeddings[others]]
                )
                self._revise(row, context, gallery)
            return similarities

        return rerank

    def _revise(self, row: np.ndarray, context: np.ndarray, gallery: SortedBoxes) -> None:
        """Replace the similarity of one box in each promising image, in place."""
        for image in np.unique(gallery.images[most_similar(row, self.k1)]):
            boxes = slice(gallery.offsets[image], gallery.offsets[image + 1])
            pairs = context @ gallery.embeddings[boxes].T
            pairs[0] = row[boxes]
            matched = match_context(pairs)
            if matched is not None:
                row[boxes.start + matched[0]] = matched[1]


def context_boxes(ground_truth: GroundTruth, detections: SortedBoxes, query: int) -> np.ndarray:
    """Find the boxes of other people around a query, in descending order of score.

    Args:
        ground_truth: The annotation file's content.
        detections: Boxes of all images.
        query: Position in the annotation file's ``queries``.

    Returns:
        Positions of detections.
    """
    image = ground_truth.query_images[query]
    boxes = np.arange(detections.offsets[image], detections.offsets[image + 1])
    own = np.broadcast_to(ground_truth.query_bboxes[query], (len(boxes), 4))
    boxes = boxes[paired_iou(own, detections.bboxes[boxes]) <= SAME_PERSON_IOU]
    return boxes[np.argsort(-detections.scores[boxes], kind='stable')]


def match_context(similarities: np.ndarray) -> tuple[int, float] | None:
    """Match the people around the query with the boxes of one image.

    Li and Miao, *Sequential End-to-end Network for Efficient Person Search*, AAAI 2021; the new
    similarity is the greatest of the matched pairs, as in SeqNet's code.

    Args:
        similarities: ``(C, G)`` of the context, the query first, to the boxes of one image.

    Returns:
        The box that is matched with the query and its new similarity; nothing if the image has too
        few boxes and the query is left over.
    """
    rows, columns = linear_sum_assignment(similarities.astype(np.float64), maximize=True)
    if rows[0] != 0:
        return None
    return int(columns[0]), float(similarities[rows, columns].max())
