"""Convert CrowdHuman, as downloaded, to COCO JSON.

ROOT holds annotation_train.odgt, annotation_val.odgt and the images in folders of any names. Writes
train.json and val.json for the detector: nobody has an identity. The images stay where they are.

examples:
  python tools/dataset_converters/crowdhuman.py data/crowdhuman
  python tools/dataset_converters/crowdhuman.py data/crowdhuman --out-dir annotations --strict
"""

import sys

from mmps.datasets.converters import Converter
from mmps.datasets.converters.command_line import run
from mmps.datasets.converters.crowdhuman import NAME, parse

if __name__ == '__main__':
    sys.exit(run(Converter(NAME, parse), __doc__))
