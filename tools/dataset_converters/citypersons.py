"""Convert CityPersons, as downloaded, to COCO JSON."""

import sys

from mmps.datasets.converters import Converter
from mmps.datasets.converters.citypersons import NAME, parse
from mmps.datasets.converters.command_line import run

if __name__ == '__main__':
    sys.exit(run(Converter(NAME, parse)))
