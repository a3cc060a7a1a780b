"""Convert CrowdHuman, as downloaded, to COCO JSON."""

import sys

from mmps.datasets.converters import Converter
from mmps.datasets.converters.command_line import run
from mmps.datasets.converters.crowdhuman import NAME, parse

if __name__ == '__main__':
    sys.exit(run(Converter(NAME, parse)))
