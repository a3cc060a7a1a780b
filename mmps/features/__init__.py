from mmps.digests import weights_digest

from .cache import FeatureCache
from .extraction import pooled_shards
from .source import FeatureSource

__all__ = ['FeatureCache', 'FeatureSource', 'pooled_shards', 'weights_digest']
