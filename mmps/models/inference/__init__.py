from .compiling import compile_parts
from .nnpack import use_nnpack
from .preparing import REID, TRUNK, fastest_layout, prepare

__all__ = ['REID', 'TRUNK', 'compile_parts', 'fastest_layout', 'prepare', 'use_nnpack']
