"""Write annotated images of a config's data set, as its pipeline returns them.

Images are spread evenly over each data set. Every identity has its colour; people without one
are grey.

examples:
  python tools/analysis_tools/browse_dataset.py configs/joint/joint-j3_retinanet_r50_fpn_c.py
  python tools/analysis_tools/browse_dataset.py CONFIG --split test --number 50 --out-dir seen
"""

from __future__ import annotations

import sys
from pathlib import Path

import mmps.threads  # noqa: F401  # before torch: bounds how long threads spin

import numpy as np
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from rich.progress import track

from mmps.command_line import teaching_parser
from mmps.registry import DATASETS
from mmps.structures import ConfigError, UserError
from mmps.synthetic.drawn_set import write_jpeg
from mmps.visualization.annotated_images import annotate, boxes_follow_resize, leaf_datasets


def main(arguments: list[str] | None = None) -> int:
    """Build the data set, draw, write."""
    parser = teaching_parser(__doc__)
    parser.add_argument('config', type=Path, help='config file, such as those in configs/joint')
    parser.add_argument(
        '--split',
        default='train',
        metavar='NAME',
        help='train, val, test, reid (the people of phase 2), or any other NAME with a '
        'NAME_dataloader in the config',
    )
    parser.add_argument(
        '--out-dir', type=Path, default=Path('browse'), metavar='DIR', help='folder for images'
    )
    parser.add_argument(
        '--number', type=int, default=20, metavar='N', help='images of each data set'
    )
    options = parser.parse_args(arguments)
    try:
        if options.number < 1:
            raise ConfigError(f'--number {options.number} must be at least 1')
        dataset = build(options.config, options.split)
        written = [
            path
            for leaf in leaf_datasets(dataset)
            for path in write_images(leaf, options.out_dir, options.number)
        ]
    except (UserError, OSError) as error:
        print(f'browse_dataset: {error}', file=sys.stderr)
        return 2
    print(f'{len(written)} images in {options.out_dir}')
    return 0


def build(config: Path, split: str) -> BaseDataset:
    """Build the data set of one split.

    Args:
        config: The config file.
        split: ``'reid'`` for the people of phase 2, otherwise a key without ``_dataloader``.

    Returns:
        The data set.

    Raises:
        ConfigError: There is no such file or no such data loader.
    """
    if not config.is_file():
        raise ConfigError(f'{config} does not exist; name a config file')
    settings = Config.fromfile(config)
    key = 'cached_people' if split == 'reid' else f'{split}_dataloader'
    loader = settings.get(key)
    if not loader:
        names = [name.removesuffix('_dataloader') for name in settings if '_dataloader' in name]
        names += ['reid'] if 'cached_people' in settings else []
        raise ConfigError(f'{config} has no {key}; it has the splits {", ".join(names)}')
    init_default_scope(settings.get('default_scope', 'mmdet'))
    return DATASETS.build(loader['dataset'])


def write_images(dataset: BaseDataset, folder: Path, number: int) -> list[Path]:
    """Write images that are spread evenly over a data set.

    Args:
        dataset: The data set.
        folder: Folder for the images.
        number: Maximum number of images.

    Returns:
        The written files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    follow = boxes_follow_resize(dataset)
    places = np.unique(np.linspace(0, len(dataset) - 1, min(number, len(dataset)), dtype=int))
    written = []
    for place in track(places.tolist(), 'drawing'):
        packed = dataset[place]
        sample = packed['data_samples']
        image = annotate(packed['inputs'], sample, boxes_follow=follow)
        name = Path(sample.img_path).parts[-3:]
        written.append(folder / f'{"_".join(name).rsplit(".", 1)[0]}.jpg')
        write_jpeg(written[-1], image)
    return written


if __name__ == '__main__':
    sys.exit(main())
