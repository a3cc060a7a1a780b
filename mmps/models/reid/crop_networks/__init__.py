from .exported import ExportedReID
from .pretrained import PretrainedReID
from .ready_head import ReadyHead

__all__ = ['ExportedReID', 'PretrainedReID', 'ReadyHead']
