from .base import Gallery, GalleryInfo, GalleryModel, Progress, Statistics, merge
from .opening import find_info, open_gallery
from .rows import STILL, Hits, Rows, Where

__all__ = [
    'STILL',
    'Gallery',
    'GalleryInfo',
    'GalleryModel',
    'Hits',
    'Progress',
    'Rows',
    'Statistics',
    'Where',
    'find_info',
    'merge',
    'open_gallery',
]
