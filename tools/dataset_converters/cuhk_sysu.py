"""Convert CUHK-SYSU, as downloaded, to COCO JSON with identities, queries and galleries.

ROOT holds annotation/Images.mat and Image/SSM/. Writes train.json, test.json and the official
galleries of every size (galleries_*.npz). The images stay where they are.

examples:
  python tools/dataset_converters/cuhk_sysu.py data/cuhk_sysu
  python tools/dataset_converters/cuhk_sysu.py data/cuhk_sysu --out-dir annotations --strict
"""

import sys

from mmps.datasets.converters import Converter
from mmps.datasets.converters.command_line import run
from mmps.datasets.converters.cuhk_sysu import NAME, parse

if __name__ == '__main__':
    sys.exit(run(Converter(NAME, parse), __doc__))
