from .frame_folders import frames_digest, rate_mark, state_of
from .frames import Frame, Sampling, capture_time, read_frames, time_origin
from .listing import is_video, list_sources, shard_of
from .places import Place, Places, parse_time

__all__ = [
    'Frame',
    'Place',
    'Places',
    'Sampling',
    'capture_time',
    'frames_digest',
    'is_video',
    'list_sources',
    'parse_time',
    'rate_mark',
    'read_frames',
    'shard_of',
    'state_of',
    'time_origin',
]
