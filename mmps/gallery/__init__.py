from .base import Gallery, GalleryInfo, GalleryModel, Progress, merge
from .opening import open_gallery
from .rows import STILL, Hits, Rows, Where

__all__ = [
    'STILL',
    'Gallery',
    'GalleryInfo',
    'GalleryModel',
    'Hits',
    'Progress',
    'Rows',
    'Where',
    'merge',
    'open_gallery',
]
