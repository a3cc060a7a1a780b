"""Seconds of an evaluation as large as CUHK-SYSU's test set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from mmps.benchmarks.full_size import cuhk_sysu_problem, noisy_predictions
from mmps.benchmarks.inputs import Work
from mmps.evaluation import CUHKSYSUProtocol, evaluate_predictions

from .measuring import Settings
from .timing import interleaved, quartiles

BOXES_PER_IMAGE = 6.0


def measure_evaluation(
    settings: Settings, work: Work, on_round: Callable[[], object] = lambda: None
) -> dict:
    """Evaluate synthetic predictions, including detection metrics and the reading of galleries.

    Args:
        settings: Device, sizes and number of rounds.
        work: Amount of work per round.
        on_round: Called after each round.

    Returns:
        Numbers of ``images``, ``queries``, ``boxes`` and images in a gallery, and ``seconds`` as
        quartiles.
    """
    with TemporaryDirectory() as folder:
        ground_truth, _ = cuhk_sysu_problem(Path(folder), work.gallery_size)
        predictions = noisy_predictions(ground_truth, BOXES_PER_IMAGE)
        protocol = CUHKSYSUProtocol((work.gallery_size,))
        jobs = {'evaluation': lambda: evaluate_predictions(ground_truth, predictions, protocol)}
        seconds = interleaved(jobs, settings.repeats, 0, on_round, settings.clock)
    return {
        'gallery_size': work.gallery_size,
        'images': ground_truth.num_images,
        'queries': ground_truth.num_queries,
        'boxes': len(predictions.scores),
        'seconds': quartiles(seconds['evaluation']),
    }
