"""Drawn data sets in the place of the real ones, and the toy configs."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmps.apis.experiments import Run, Step, data_options, reid_options
from mmps.datasets.converters import (
    Converter,
    convert,
    cuhk_sysu,
    mot17_det,
    prw,
    wider_pedestrian,
)
from mmps.synthetic import Recipe, default_size, layouts, make
from mmps.synthetic.builder import is_drawn

from .data import (
    FOLDERS,
    NAMES,
    NO_VALIDATION,
    Amounts,
    algorithm,
    last_checkpoint,
    read_config,
    seed_folder,
)
from .rehearsal import rehearse
from .tables import EXTRA, MORE, System, parts, spelled

SPLITS = {
    'm': layouts.mot17_det.SPLITS,
    'w': layouts.wider_pedestrian.SPLITS,
    'c': layouts.cuhk_sysu.SPLITS,
    'p': layouts.prw.SPLITS,
}
IDENTITIES = {'c': layouts.cuhk_sysu.IDENTITIES, 'p': layouts.prw.IDENTITIES}
"""Shares of a drawn set, by split."""

PEOPLE_PER_IMAGE = 4
SECONDS_PER_IMAGE = 0.1
"""About, to draw and convert."""

PARSERS = {
    'm': Converter(mot17_det.NAME, mot17_det.parse),
    'w': Converter(wider_pedestrian.NAME, wider_pedestrian.parse),
    'c': Converter(cuhk_sysu.NAME, cuhk_sysu.parse),
    'p': Converter(prw.NAME, prw.parse),
}

MORE_SEED = 1000
"""Added to the seed of further images of a domain: other people, scenes and cameras."""

LARGE_ENOUGH = {100: 266, 50: 135}
"""Images that fill the galleries of a size."""

PRW_PROTOCOL = {
    '_delete_': True, 'type': 'mmps.PRWOfficialProtocol', 'boxes_per_image': (3, 5, 10, 20),
}  # fmt: skip


DOMAINS = {letter: letter for letter in FOLDERS}
"""The domain of :mod:`mmps.synthetic` that plays each data set."""

IMAGES = {letter: layouts.LAYOUTS[layout].images for letter, layout in FOLDERS.items()}
"""Training and test images together, at size 1."""

TRAINING = 'train_dataloader.'
DETECTOR = 'retinanet_r18_fpn_synthetic'
BRANCH = '{}_retinanet_r18_fpn_synthetic'
REHEARSED = {'m': 20, 'w': 20, 'c': 135, 'p': 40}
"""Images of a rehearsal: as few as galleries of 50 and all identities need."""


@dataclass(frozen=True)
class DrawnData:
    """See :class:`Data`.

    Attributes:
        folder: For everything that is written, the data too.
        configs: Folder of the configs.
        size: Factor on the number of images and people.
        rehearsal: Whether everything is as short and small as possible.
    """

    folder: Path
    configs: Path
    size: float = 1.0
    rehearsal: bool = False
    has_more: bool = field(default=True, init=False)
    name: str = field(default='synthetic data', init=False)

    @property
    def identity(self) -> dict[str, Any]:
        """Return what must be equal in folders that are joined."""
        return {
            'data': 'synthetic', 'size': self.size, 'rehearsal': self.rehearsal,
            'domains': DOMAINS, 'galleries': dict(self.galleries),
        }  # fmt: skip

    @property
    def galleries(self) -> Mapping[str, str]:
        """Return galleries of 100 or 50 images, and of the whole test set."""
        images = self._recipe('c', 0).images
        size = next((size for size, least in LARGE_ENOUGH.items() if images >= least), 50)
        return {'small': f'g{size}', 'large': 'full'}

    def check(self, letters: Collection[str]) -> None:
        """Everything is drawn: nothing can be missing."""

    def prepare(self, detection: str, seed: int) -> list[Step]:
        """Draw and convert data sets, each once for a seed."""
        return [self._drawing(letter, seed) for letter in parts(detection)]

    def amounts(self, letter: str) -> Amounts:
        """Return the planned size of a data set."""
        recipe = self._recipe(letter, 0)
        images = round(recipe.images * SPLITS[letter[0]]['train'])
        test_images = recipe.images - images
        identities = round(recipe.identities * IDENTITIES.get(letter, {'train': 0})['train'])
        return Amounts(images, identities, test_images, PEOPLE_PER_IMAGE * test_images)

    def detector(self, detection: str, seed: int) -> Run:
        """Return phase 1 on some data sets."""
        config = self.configs / 'toy' / f'{DETECTOR}.py'
        folder = seed_folder(self.folder, seed) / f'detector_{spelled(detection)}'
        roots = [self._root(letter, seed) for letter in parts(detection)]
        changes = rehearse(config) if self.rehearsal else {}
        options = {**NO_VALIDATION, **_data(roots[0]), **changes}
        options['train_dataloader.dataset'] = _several(config, roots, changes)
        return Run(config, folder, options, seed, True)

    def reid(self, system: System, seed: int) -> Run:
        """Return phase 2 of a system."""
        folder = seed_folder(self.folder, seed)
        detector = last_checkpoint(self.detector(system.detection, seed))
        start = reid_options(detector, folder / 'features')
        return self._run(system, seed, folder / system.name, system.reid, start, progress=True)

    def test(self, system: System, on: str, seed: int) -> Run:
        """Return the test of a system on a data set."""
        folder = seed_folder(self.folder, seed) / system.name / f'test_{on}'
        if on == 'p':
            return self._run(system, seed, folder, on, {'test_evaluator.protocol': PRW_PROTOCOL})
        small, large = self.galleries.values()
        sizes = [int(small.lstrip('g')), large]
        return self._run(system, seed, folder, on, {'test_evaluator.protocol.gallery_sizes': sizes})

    def config(self, variant: str) -> Path:
        """Return the variant's config."""
        return self.configs / 'toy' / f'{BRANCH.format(algorithm(variant))}.py'

    def _run(
        self, system: System, seed: int, folder: Path, on: str, options: dict[str, Any],
        progress: bool = False,
    ) -> Run:  # fmt: skip
        config = self.config(system.variant)
        changes = rehearse(config) if self.rehearsal else {}
        data = _data(self._root(on, seed))
        return Run(config, folder, {**NO_VALIDATION, **data, **changes, **options}, seed, progress)

    def _root(self, letter: str, seed: int) -> Path:
        return seed_folder(self.folder, seed) / 'data' / spelled(letter)

    def _recipe(self, letter: str, seed: int) -> Recipe:
        own = letter[0]
        if MORE in letter:
            wanted = sum(self.amounts(other).images for other in EXTRA[own])
            seed, images = seed + MORE_SEED, math.ceil(wanted / SPLITS[own]['train'])
        else:
            images = REHEARSED[own] if self.rehearsal else max(round(IMAGES[own] * self.size), 4)
        layout, domain = FOLDERS[own], DOMAINS[own]
        return Recipe(layout, domain, seed, *default_size(layout, images, None, domain))

    def _drawing(self, letter: str, seed: int) -> Step:
        recipe, root = self._recipe(letter, seed), self._root(letter, seed)
        more = 'more ' if MORE in letter else ''

        def draw() -> int:
            if not is_drawn(root, recipe):
                make(root, recipe, min(4, os.cpu_count() or 1))
            convert(PARSERS[letter[0]], root)
            return recipe.images

        title = f'Draw {recipe.images} {more}images that play {NAMES[letter[0]]}, seed {seed}'
        words = f'{recipe.images:,} images x {SECONDS_PER_IMAGE:.3f} s'
        about = {'recipe': vars(recipe), 'estimate': words}
        expected = recipe.images * SECONDS_PER_IMAGE
        return Step(f'draw_{spelled(letter)}_{seed}', title, draw, (), about, expected)


def _data(root: Path) -> dict[str, str]:
    return {k: v for k, v in data_options(root).items() if not k.startswith('val_')}


def _several(config: Path, roots: list[Path], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Configure the training on several data sets, with the pipeline of the config's own."""
    content = copy.deepcopy(read_config(config))
    content.merge_from_dict({k: v for k, v in changes.items() if k.startswith(TRAINING)})
    one = content.train_dataloader.dataset.to_dict()
    datasets = [{**one, 'data_root': str(root), 'use_identities': False} for root in roots]
    return {'_delete_': True, 'type': 'ConcatDataset', 'datasets': datasets}
