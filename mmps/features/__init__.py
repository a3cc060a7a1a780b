from mmps.digests import weights_digest

from .cache import FeatureCache
from .extraction import pooled_shards
from .people import CachedPeople

__all__ = ['CachedPeople', 'FeatureCache', 'pooled_shards', 'weights_digest']
