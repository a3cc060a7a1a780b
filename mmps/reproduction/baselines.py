"""What chance and the colours of clothes reach on a table's test sets, without any training."""

from __future__ import annotations

from pathlib import Path

from mmengine.registry import init_default_scope

from mmps.apis.experiments import Run
from mmps.evaluation import GroundTruth, Predictions, evaluate_predictions
from mmps.evaluation.baselines import chance_metrics, colour_predictions
from mmps.registry import TASK_UTILS

BASELINES = {'colour': 'colour stripes (no network)', 'chance': 'chance'}
"""Rows by the key of their numbers."""


def measure_baselines(test: Run, predictions: Path) -> dict[str, dict[str, float]]:
    """Evaluate both baselines by the rules of a test, on the boxes that it predicted.

    Args:
        test: Of any system.
        predictions: That it wrote.

    Returns:
        Fractions in 0..1 for each of :data:`BASELINES`.
    """
    config = test.load()
    init_default_scope('mmdet')
    protocol = TASK_UTILS.build(config.test_evaluator.protocol)
    dataset = config.test_dataloader.dataset
    root = Path(dataset.data_root)
    truth, boxes = GroundTruth.load(root / dataset.ann_file), Predictions.load(predictions)
    coloured = colour_predictions(boxes, truth, root, lambda done, total: None)
    return {
        'colour': evaluate_predictions(truth, coloured, protocol, gt_boxes=True).metrics,
        'chance': chance_metrics(boxes, truth, protocol, draws=3, seed=0),
    }
