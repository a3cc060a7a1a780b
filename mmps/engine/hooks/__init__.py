from mmps.engine.hooks.accelerated_inference import FastTestHook

from .one_phase import OnePhaseHook
from .portable_checkpoint import PortableCheckpointHook
from .progress_bar import ProgressBarHook
from .two_phase import TwoPhaseHook

__all__ = [
    'FastTestHook',
    'OnePhaseHook',
    'PortableCheckpointHook',
    'ProgressBarHook',
    'TwoPhaseHook',
]
