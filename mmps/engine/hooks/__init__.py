from .fast_test import FastTestHook
from .progress_bar import ProgressBarHook
from .two_phase import TwoPhaseHook

__all__ = ['FastTestHook', 'ProgressBarHook', 'TwoPhaseHook']
