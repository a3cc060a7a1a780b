"""What an experiment runs on: data sets, configs, and how much there is of everything."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from mmengine.config import Config

from mmps.apis.experiments import Run, Step

from .tables import BASELINE, System

NAMES = {
    'm': 'MOT17Det',
    'w': 'WIDER Pedestrian',
    'c': 'CUHK-SYSU',
    'p': 'PRW',
}
"""Data sets by the letter that the paper gives them."""

FOLDERS = {'m': 'mot17_det', 'w': 'wider_pedestrian', 'c': 'cuhk_sysu', 'p': 'prw'}
"""Their folders under ``data/``, which are the names of their converters and layouts too."""

NO_VALIDATION: dict[str, Any] = dict.fromkeys(('val_cfg', 'val_dataloader', 'val_evaluator'))
"""Every model is tested once, when it is finished."""


@dataclass(frozen=True)
class Amounts:
    """Size of a data set.

    Attributes:
        images: Training images.
        identities: Identities in the training set.
        test_images: Images of the test set.
        test_people: People in the test set.
    """

    images: int
    identities: int = 0
    test_images: int = 0
    test_people: int = 0


class Data(Protocol):
    """Data sets m, w, c and p, real or drawn, and the configs that fit them.

    Attributes:
        name: ``real`` or ``synthetic``.
        folder: For everything that is written.
        has_more: Whether there is any amount of further data of the same domain, for controls.
        galleries: Setting of the evaluator for the ``small`` and the ``large`` galleries of c.
        identity: What must be equal in folders that are joined; JSON.
    """

    name: str
    folder: Path
    has_more: bool
    galleries: Mapping[str, str]

    @property
    def identity(self) -> dict[str, Any]: ...  # noqa: D102

    def check(self, letters: Collection[str]) -> None:
        """Refuse what is missing, before anything is computed.

        Raises:
            ConfigError: With a sentence for each set.
        """

    def prepare(self, detection: str, seed: int) -> list[Step]:
        """List the steps that lay out some data sets, or weights."""

    def amounts(self, letter: str) -> Amounts:
        """Return the size of a data set; of ``c+`` and ``p+``, of the further images."""

    def detector(self, detection: str, seed: int) -> Run:
        """Return phase 1 on some data sets."""

    def reid(self, system: System, seed: int) -> Run:
        """Return phase 2 of a system, on the detector of phase 1."""

    def test(self, system: System, on: str, seed: int) -> Run:
        """Return the test of a system on a data set."""

    def config(self, variant: str) -> Path:
        """Return a variant's config, for measuring its steps."""


def seed_folder(folder: Path, seed: int) -> Path:
    """Return the folder of all that depends on a seed."""
    return folder / f'seed_{seed}'


def last_checkpoint(run: Run) -> Path:
    """Return the checkpoint of a run's last epoch, for which its config is read only once."""
    epochs = run.options.get('train_cfg.max_epochs') or read_config(run.config).train_cfg.max_epochs
    return run.work_dir / f'epoch_{epochs}.pth'


@cache
def read_config(path: Path) -> Config:
    """Read a config once; it must not be changed."""
    return Config.fromfile(str(path))


def algorithm(variant: str) -> str:
    """Return the first part of a config's name, such as ``joint-j2``."""
    return 'disjoint' if variant == BASELINE else f'joint-{variant.lower()}'
