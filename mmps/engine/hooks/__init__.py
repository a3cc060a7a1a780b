from .progress_bar import ProgressBarHook
from .two_phase import TwoPhaseHook

__all__ = ['ProgressBarHook', 'TwoPhaseHook']
