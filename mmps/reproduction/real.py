"""The real data sets, where the converters leave them, and the paper's configs."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from mmps import paper
from mmps.apis.experiments import Run, Step, reid_options
from mmps.checkpoints.downloading import local_file
from mmps.checkpoints.reducing import reduce_to_person
from mmps.formats.galleries import available_sizes
from mmps.structures import ConfigError
from mmps.structures.manifest import MANIFEST

from .data import FOLDERS, NAMES, NO_VALIDATION, Amounts, algorithm, last_checkpoint, seed_folder
from .rehearsal import rehearse
from .tables import BASELINE, System, spelled

ANNOTATIONS = Path('mmps')
TESTED = ('c', 'p')
PEOPLE_PER_IMAGE = 6
"""About as many people have a box in an image of CUHK-SYSU's or PRW's test set."""

WEIGHTS = 'weights'
SMALL, LARGE = 100, 4000


@dataclass(frozen=True)
class RealData:
    """See :class:`Data`.

    Attributes:
        folder: For everything that is written.
        configs: Folder of the configs.
        data: Folder of the data sets, as the configs name it.
        rehearsal: Whether everything is as short and small as possible, without COCO weights.
        coco: Checkpoint of RetinaNet on COCO; downloaded if not given.
    """

    folder: Path
    configs: Path
    data: Path = Path('data')
    rehearsal: bool = False
    coco: Path | None = None
    has_more: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        """Return the name, with what is special about it."""
        drawn = any((self.root(letter) / MANIFEST).is_file() for letter in FOLDERS)
        return 'drawn data in the place of the real sets' if drawn else 'real data'

    @property
    def identity(self) -> dict[str, Any]:
        """Return what must be equal in folders that are joined."""
        return {'data': 'real', 'rehearsal': self.rehearsal, 'galleries': dict(self.galleries)}

    def root(self, letter: str) -> Path:
        """Return a data set's folder."""
        return self.data / FOLDERS[letter]

    @cached_property
    def galleries(self) -> Mapping[str, str]:
        """Return the paper's gallery sizes; of drawn sets, what there is."""
        found = available_sizes(self.root('c') / ANNOTATIONS)
        numbers = [int(size) for size in found if size.isdigit()] or [SMALL, LARGE]
        small = SMALL if SMALL in numbers else max(numbers)
        return {'small': f'g{small}', 'large': f'g{LARGE}' if LARGE in numbers else 'full'}

    def check(self, letters: Collection[str]) -> None:
        """Refuse data sets that are missing or not converted, with a sentence each."""
        problems = [p for letter in sorted(set(letters)) if (p := self._problem(letter))]
        if not self.rehearsal:
            problems += self._weights_problem()
        if problems:
            raise ConfigError(' '.join(problems))

    def prepare(self, detection: str, seed: int) -> list[Step]:
        """Reduce COCO's detector to one class, once for all."""
        del detection, seed
        if self.rehearsal:
            return []
        return [Step(WEIGHTS, 'Reduce the COCO detector to people', self._reduce)]

    def amounts(self, letter: str) -> Amounts:
        """Count what lies there; the published numbers if the set is not there."""
        path = self.root(letter) / ANNOTATIONS
        if not (path / 'train.json').is_file():
            test_images = paper.TEST_IMAGES.get(letter, 0)
            people = PEOPLE_PER_IMAGE * test_images
            identities = paper.IDENTITIES.get(letter, 0)
            return Amounts(paper.IMAGES[letter], identities, test_images, people)
        images, _, identities = _count(path / 'train.json')
        return Amounts(images, identities, *_count(path / 'test.json')[:2])

    def detector(self, detection: str, seed: int) -> Run:
        """Return phase 1, the config of ``configs/detection``."""
        config = self.configs / 'detection' / f'retinanet_r50_fpn_{detection}.py'
        folder = seed_folder(self.folder, seed) / f'detector_{spelled(detection)}'
        start = None if self.rehearsal else str(self.folder / 'retinanet_r50_fpn_person.pth')
        return Run(config, folder, self._options(config, {'load_from': start}), seed, True)

    def reid(self, system: System, seed: int) -> Run:
        """Return phase 2, the config of ``configs/joint`` or ``configs/disjoint``."""
        folder = seed_folder(self.folder, seed)
        start = last_checkpoint(self.detector(system.detection, seed))
        config = self._config(system)
        options = self._options(config, reid_options(start, folder / 'features'))
        return Run(config, folder / system.name, options, seed, True)

    def test(self, system: System, on: str, seed: int) -> Run:
        """Return the test, of ``configs/cross_dataset`` where it is another set's."""
        config = self._config(system, on)
        folder = seed_folder(self.folder, seed) / system.name / f'test_{on}'
        options = {}
        if on == 'c' and self.galleries != {'small': f'g{SMALL}', 'large': f'g{LARGE}'}:
            small, large = (self.galleries[size].lstrip('g') for size in ('small', 'large'))
            options['test_evaluator.protocol.gallery_sizes'] = [int(small), large]
        return Run(config, folder, self._options(config, options), seed)

    def config(self, variant: str) -> Path:
        """Return the variant's config on CUHK-SYSU."""
        return self._config(System(variant, 'c', 'c'))

    def _config(self, system: System, on: str | None = None) -> Path:
        data = system.detection if system.detection == system.reid else (
            f'{system.detection}-{system.reid}'
        )  # fmt: skip
        folder = 'disjoint' if system.variant == BASELINE else 'joint'
        if on not in (None, system.reid):
            folder, data = 'cross_dataset', f'{data}_{on}'
        return self.configs / folder / f'{algorithm(system.variant)}_retinanet_r50_fpn_{data}.py'

    def _options(self, config: Path, options: Mapping[str, Any]) -> dict[str, Any]:
        changes = rehearse(config) if self.rehearsal else {}
        return {**NO_VALIDATION, **changes, **options}

    def _problem(self, letter: str) -> str | None:
        """Describe what is missing of a data set."""
        root, name = self.root(letter), FOLDERS[letter]
        convert = f'python tools/dataset_converters/{name}.py {root}'
        if not root.is_dir():
            return (
                f'{NAMES[letter]} is missing: download it from its authors, link it as {root} '
                f'and run {convert}.'
            )
        for split in ('train', 'test') if letter in TESTED else ('train',):
            path = root / ANNOTATIONS / f'{split}.json'
            if not path.is_file():
                return f'{NAMES[letter]} is not converted ({path} is missing): run {convert}.'
            first = _read(path)['images'][:1]
            if not first or not (root / first[0]['file_name']).is_file():
                return (
                    f'{NAMES[letter]}: the images that {path} names are not in {root}: '
                    f'copy them there, or run {convert} again.'
                )
        return None

    def _weights_problem(self) -> list[str]:
        try:
            local_file(self.coco or self._address())
        except Exception as error:
            return [f'The paper starts from COCO weights: {error}.']
        if self.coco and not self.coco.is_file():
            return [f'The COCO weights {self.coco} do not exist.']
        return []

    def _address(self) -> str:
        text = (self.configs / '_base_' / 'models' / 'retinanet_r50_fpn.py').read_text()
        return text.rpartition("load_from = '")[2].partition("'")[0]

    def _reduce(self) -> list[str]:
        target = self.folder / 'retinanet_r50_fpn_person.pth'
        return reduce_to_person(local_file(self.coco or self._address()), target)


@cache
def _count(path: Path) -> tuple[int, int, int]:
    """Count images, people and identities of an annotation file; a missing one has none."""
    if not path.is_file():
        return 0, 0, 0
    content = _read(path)
    people = content['annotations']
    return len(content['images']), len(people), len({p['person_id'] for p in people} - {-1})


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding='utf-8'))
