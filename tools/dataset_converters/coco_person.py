"""Convert the people of MS COCO to COCO JSON of one class."""

import sys

from mmps.datasets.converters import Converter
from mmps.datasets.converters.coco_person import NAME, parse
from mmps.datasets.converters.command_line import run

if __name__ == '__main__':
    sys.exit(run(Converter(NAME, parse)))
