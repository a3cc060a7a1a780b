"""Convert CityPersons, as downloaded, to COCO JSON.

ROOT holds annotations/anno_train.mat and leftImg8bit/. Writes train.json and val.json for the
detector: nobody has an identity. The images stay where they are.

examples:
  python tools/dataset_converters/citypersons.py data/cityscapes
  python tools/dataset_converters/citypersons.py data/cityscapes --out-dir annotations --strict
"""

import sys

from mmps.datasets.converters import Converter
from mmps.datasets.converters.citypersons import NAME, parse
from mmps.datasets.converters.command_line import run

if __name__ == '__main__':
    sys.exit(run(Converter(NAME, parse), __doc__))
