from . import losses, reid  # noqa: F401  # registration
from .data_preprocessor import SearchDataPreprocessor
from .detectors import SharedBackboneDetector

__all__ = ['SearchDataPreprocessor', 'SharedBackboneDetector']
