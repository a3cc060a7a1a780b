"""Convert the people of MS COCO to COCO JSON of one class.

ROOT holds annotations/instances_train2017.json and train2017/. Writes train.json and val.json for
the detector: nobody has an identity. The images stay where they are.

examples:
  python tools/dataset_converters/coco_person.py data/coco
  python tools/dataset_converters/coco_person.py data/coco --out-dir annotations --strict
"""

import sys

from mmps.datasets.converters import Converter
from mmps.datasets.converters.coco_person import NAME, parse
from mmps.datasets.converters.command_line import run

if __name__ == '__main__':
    sys.exit(run(Converter(NAME, parse), __doc__))
