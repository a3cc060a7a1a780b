from .check_learning import CheckLearningHook
from .fast_test import FastTestHook
from .portable_checkpoint import PortableCheckpointHook
from .progress_bar import ProgressBarHook
from .two_phase import TwoPhaseHook

__all__ = [
    'CheckLearningHook',
    'FastTestHook',
    'PortableCheckpointHook',
    'ProgressBarHook',
    'TwoPhaseHook',
]
