from .frames import Frame, Sampling, capture_time, read_frames, time_origin
from .listing import is_video, list_sources
from .places import Place, Places, parse_time

__all__ = [
    'Frame',
    'Place',
    'Places',
    'Sampling',
    'capture_time',
    'is_video',
    'list_sources',
    'parse_time',
    'read_frames',
    'time_origin',
]
