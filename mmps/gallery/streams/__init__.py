from .addresses import is_stream, shown_address
from .crops import CropFolder, crop_folders
from .watching import Watched, watch

__all__ = ['CropFolder', 'Watched', 'crop_folders', 'is_stream', 'shown_address', 'watch']
