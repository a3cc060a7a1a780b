"""mmps: person search on MMDetection and MMEngine."""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - what follows may fail in any way
    raise ImportError(
        'mmps needs Python 3.10 or newer, and this is ' + sys.version.split()[0] + ': install one, '
        'then make an environment with it: MMPS_PYTHON=/path/to/python bash tools/setup_env.sh'
    )

from .compat import make_checkpoints_loadable
from .threads import bound_spinning
from .version import __version__

bound_spinning()  # before the next line loads torch
make_checkpoints_loadable()

__all__ = ['__version__']
