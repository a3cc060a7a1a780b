from mmps.engine.hooks.accelerated_inference import FastTestHook

from .check_learning import CheckLearningHook
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
