"""mmps: person search on MMDetection and MMEngine."""

from .compat import make_checkpoints_loadable
from .version import __version__

make_checkpoints_loadable()

__all__ = ['__version__']
