"""Convert PRW, as downloaded, to COCO JSON with identities, cameras and queries.

ROOT holds frame_train.mat, frame_test.mat, query_info.txt, annotations/ and frames/. Writes
train.json and test.json. The images stay where they are.

examples:
  python tools/dataset_converters/prw.py data/prw
  python tools/dataset_converters/prw.py data/prw --out-dir annotations --strict
"""

import sys

from mmps.datasets.converters import Converter
from mmps.datasets.converters.command_line import run
from mmps.datasets.converters.prw import NAME, parse

if __name__ == '__main__':
    sys.exit(run(Converter(NAME, parse), __doc__))
