from mmps.formats.galleries import Galleries, available_sizes
from mmps.formats.ground_truth import NO_CAMERA, GroundTruth
from mmps.formats.predictions import Predictions

from .calibration import Calibration, calibrate
from .detection import detection_metrics
from .evaluator import Report, confidence_intervals, evaluate_predictions
from .metrics import PersonSearchMetric
from .protocols import CUHKSYSUProtocol, GenericProtocol, PRWOfficialProtocol, PRWProtocol
from .rerankers import ContextGraph, KReciprocal
from .results import QueryResults
from .search import Searcher

__all__ = [
    'NO_CAMERA',
    'CUHKSYSUProtocol',
    'Calibration',
    'ContextGraph',
    'Galleries',
    'GenericProtocol',
    'GroundTruth',
    'KReciprocal',
    'PRWOfficialProtocol',
    'PRWProtocol',
    'PersonSearchMetric',
    'Predictions',
    'QueryResults',
    'Report',
    'Searcher',
    'available_sizes',
    'calibrate',
    'confidence_intervals',
    'detection_metrics',
    'evaluate_predictions',
]
