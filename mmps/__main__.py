"""Runs the ``mmps`` command by ``python -m mmps``."""

import sys

from mmps.commands.main import main

if __name__ == '__main__':
    sys.exit(main())
