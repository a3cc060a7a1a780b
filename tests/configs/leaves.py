"""The configs that one runs, each read once, and checks of all of them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from mmengine.config import Config

CONFIGS = Path(__file__).parents[2] / 'configs'
BASES = sorted(CONFIGS.glob('_base_/**/*.py'))
REID_ALONE = sorted(CONFIGS.glob('reid_head/*.py'))
READY = sorted(CONFIGS.glob('ready/*.py'))  # never trained, so no test of training is of them
LEAVES = sorted(p for p in CONFIGS.glob('*/*.py') if p not in {*BASES, *REID_ALONE, *READY})
SETS = {'c': 'cuhk_sysu', 'p': 'prw', 'm': 'mot17_det', 'w': 'wider_pedestrian'}
SYSTEMS = r'[a-z0-9-]+-style|jdi-oim|oim-triplet'
NAME = re.compile(
    rf'((?P<algorithm>joint-j(?P<j>[234])|disjoint|{SYSTEMS})_)?'
    r'(?P<detector>[a-z][a-z0-9-]*)_(?P<backbone>r\d+|swin-t)_(fpn|c4)'
    r'(_(?P<variant>[a-z][a-z0-9-]{2,}))??'
    r'_(?P<train>synthetic|(?P<detection>[mwcp]+)(-(?P<reid>[cp]))?)(_(?P<test>c))?'
)


def stem(path: Path) -> str:
    return f'{path.parent.name}/{path.stem}'


@functools.cache
def load(path: Path) -> Config:
    """The config, which no test may change."""
    return Config.fromfile(path)


def bases(path: Path) -> list[Path]:
    return [(path.parent / base).resolve() for base in Config._get_base_files(str(path))]


def offenders(paths: Iterable[Path], check: Callable[[Path], None]) -> dict[str, str]:
    """Files that fail a check, each with what the check says."""
    found = {}
    for path in paths:
        try:
            check(path)
        except AssertionError as error:
            found[stem(path)] = str(error)
    return found


def parts(dataset: Config) -> list[Config]:
    return dataset.datasets if dataset.type == 'ConcatDataset' else [dataset]


def roots(dataset: Config) -> list[str]:
    return [part.data_root.rstrip('/').split('/')[-1] for part in parts(dataset)]


def is_called(model: Config, name: str) -> bool:
    """Whether a name is that of a detector: faster-rcnn of FasterRCNN, yolox-nano of YOLOX."""
    return name.replace('-', '').startswith(model.type.lower())
