from .addresses import is_stream, shown_address
from .crops import CropFolder, crop_folders, remove_crops
from .watching import Watched, watch

__all__ = [
    'CropFolder',
    'Watched',
    'crop_folders',
    'is_stream',
    'remove_crops',
    'shown_address',
    'watch',
]
