from mmps.formats.galleries import Galleries, available_sizes
from mmps.formats.ground_truth import NO_CAMERA, GroundTruth
from mmps.formats.predictions import Predictions

from .calibration import Calibration, calibrate
from .detection import detection_metrics
from .evaluator import Report, confidence_intervals, evaluate_predictions
from .metrics import PersonSearchMetric
from .protocols import CUHKSYSUProtocol, GenericProtocol, PRWOfficialProtocol, PRWProtocol
from .protocols.base import SearchProtocol, protocols_by_name
from .rerankers import ContextGraph, KReciprocal
from .results import QueryResults
from .search import Searcher, SearchPlan, SearchTask
from .targets import Targets

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
    'SearchPlan',
    'SearchProtocol',
    'SearchTask',
    'Searcher',
    'Targets',
    'available_sizes',
    'calibrate',
    'confidence_intervals',
    'detection_metrics',
    'evaluate_predictions',
    'protocols_by_name',
]
