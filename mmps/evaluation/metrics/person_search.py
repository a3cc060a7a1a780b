"""Person search as a metric of mmengine's evaluator."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import broadcast_object_list, collect_results, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmps.files import check_can_write
from mmps.formats.ground_truth import GroundTruth
from mmps.registry import METRICS, TASK_UTILS
from mmps.structures import ConfigError

from ..details import write_details
from ..evaluator import evaluate_predictions
from .records import ImageRecord, assemble, check_places

NO_SEARCH = (
    'No embeddings, so only detection is measured: a bare detector and phase 1 have none, and '
    'test-time augmentation (--tta) drops them.'
)


@METRICS.register_module()
class PersonSearchMetric(BaseMetric):
    """Collects one test pass over a data set and evaluates it by a protocol.

    A sample brings ``img_id``, ``pred_instances`` (``bboxes`` in original pixels, ``scores``,
    ``embeddings``), ``query_instances`` (``query_indices``, ``embeddings``) and ``gt_instances``
    (``ann_indices``, ``embeddings``). A bare detector brings boxes and scores only; then only the
    detection numbers are reported.

    Args:
        ann_file: Annotation file; that of the tested ``mmps.PersonSearchDataset`` when not given,
            which is then read as the data set reads it.
        protocol: Config of the protocol; CUHK-SYSU with galleries of 100 images when not given.
        gt_boxes: Search the annotated boxes as well.
        score_thr: Detections below it are left out of the evaluation, not of the file.
        detected_queries: Take each query's embedding from the detection that overlaps its box
            most, not from its own box.
        out: File for the predictions, ending in ``.npz``.
        details: Folder for ``queries.csv`` and ``calibration.json``, which
            ``tools/test.py`` chooses by itself.
        unlabelled_ids: Identities that mean unknown in the annotation file, as in
            ``mmps.PersonSearchDataset``; negative ones always do.
        identity_key: Field of ``annotations`` that holds the identities, as there.
        classes: Names of the categories that are people, as ``metainfo.classes`` there.
        backend_args: File backend of the annotation file, as there.
        **kwargs: As in MMEngine's ``BaseMetric`` (``collect_device``, ``prefix``,
            ``collect_dir``).

    Raises:
        UserError: The annotation file or the galleries cannot be used. Raised before any training
            or test pass: here, or when the data set becomes known.
    """

    default_prefix = ''

    def __init__(
        self,
        ann_file: str | None = None,
        protocol: dict | None = None,
        gt_boxes: bool = True,
        score_thr: float = 0.0,
        detected_queries: bool = False,
        out: str | None = None,
        details: str | None = None,
        unlabelled_ids: Sequence[int] | None = None,
        identity_key: str | None = None,
        classes: str | Sequence[str] | None = None,
        backend_args: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.protocol = TASK_UTILS.build(protocol or {'type': 'mmps.CUHKSYSUProtocol'})
        self.annotation_file = {
            'ann_file': ann_file,
            'unlabelled_ids': unlabelled_ids,
            'identity_key': identity_key,
            'classes': classes,
            'backend_args': backend_args,
        }
        self._ground_truth: GroundTruth | None = None
        if ann_file is not None:
            self._load_ground_truth(self.annotation_file)
        self.gt_boxes = gt_boxes
        self.score_thr = score_thr
        self.detected_queries = detected_queries
        self.out = out
        self.details = details
        if out is not None:
            check_can_write(Path(out))
        if details is not None:
            check_can_write(Path(details), is_folder=True)

    @property
    def dataset_meta(self) -> dict | None:
        """Meta information of the tested data set; setting it reads the data set's annotation file.

        Raises:
            UserError: Neither config nor data set name an annotation file, or it cannot be used.
        """
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict | None) -> None:
        self._dataset_meta = dataset_meta
        if self.annotation_file['ann_file'] is None:
            of_dataset = (dataset_meta or {}).get('annotation_file', {})
            chosen = {k: v for k, v in self.annotation_file.items() if v is not None}
            self._load_ground_truth({**of_dataset, **chosen})

    @property
    def ground_truth(self) -> GroundTruth:
        """The content of the annotation file.

        Raises:
            ConfigError: No annotation file is known.
        """
        if self._ground_truth is None:
            raise ConfigError(
                'mmps.PersonSearchMetric has no annotation file: set its ann_file, or test on an '
                'mmps.PersonSearchDataset with test_mode=True, which names its own'
            )
        return self._ground_truth

    def _load_ground_truth(self, annotation_file: dict[str, Any]) -> None:
        if annotation_file.get('ann_file') is not None:
            options = {k: v for k, v in annotation_file.items() if v is not None}
            self._ground_truth = GroundTruth.load(options.pop('ann_file'), **options)
        self.protocol.check(self.ground_truth)

    def process(self, data_batch: dict | None, data_samples: Sequence[dict]) -> None:
        """Keep what the evaluation needs of each image.

        Args:
            data_batch: Not used.
            data_samples: One per image.

        Raises:
            ConfigError: Boxes of people or queries differ from the annotation file.
        """
        del data_batch
        for sample in data_samples:
            check_places(sample, self.ground_truth)
            self.results.append(ImageRecord.from_sample(sample))

    def evaluate(self, size: int) -> dict[str, float]:
        """Gather the images of all ranks, then share the searches among the ranks.

        Args:
            size: Number of images in the data set; images that a sampler repeated are left out.

        Returns:
            The same numbers on every rank.
        """
        results = collect_results(self.results, size, self.collect_device, self.collect_dir)
        shared = [results if is_main_process() else None]
        broadcast_object_list(shared)
        metrics = self.compute_metrics(shared[0])
        self.results.clear()
        return {f'{self.prefix}/{k}' if self.prefix else k: v for k, v in metrics.items()}

    def compute_metrics(self, results: list[ImageRecord]) -> dict[str, float]:
        """Evaluate the images of the whole data set.

        Args:
            results: Results of ``process`` for each image.

        Returns:
            Fractions in 0..1 by key.

        Raises:
            UserError: The data set is not the one of the annotation file.
        """
        ground_truth = self.ground_truth
        predictions = assemble(results, ground_truth)
        if not predictions.embeddings.shape[1] and ground_truth.num_queries:
            print_log(NO_SEARCH, logger='current')
        if self.out is not None and is_main_process():
            predictions.save(self.out)
            print_log(f'Predictions written to {self.out}', logger='current')
        report = evaluate_predictions(
            ground_truth,
            predictions,
            self.protocol,
            self.score_thr,
            self.gt_boxes and predictions.gt_embeddings is not None,
            self.detected_queries,
            calibrated=self.details is not None,
        )
        for sentence in report.uncounted():
            print_log(sentence, logger='current', level=logging.WARNING)
        if self.details is not None and is_main_process():
            write_details(self.details, report, ground_truth)
        return report.metrics
