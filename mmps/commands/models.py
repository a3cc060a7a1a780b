"""Options that name a model, and the model that a gallery remembers."""

from __future__ import annotations

import argparse
import logging
import warnings
from typing import TYPE_CHECKING, Any

from mmps.structures import ConfigError

if TYPE_CHECKING:
    from mmps.apis.inferencer import PersonSearchInferencer
    from mmps.gallery import GalleryInfo


def add_model_options(parser: argparse.ArgumentParser, remembered: bool = False) -> None:
    """Add the options that name a model.

    Args:
        parser: Of a command.
        remembered: Whether a gallery says which model it is, so that none need be given.
    """
    otherwise = ' (default: the one that the gallery was made with)' if remembered else ''
    parser.add_argument(
        '--model',
        metavar='CONFIG|NAME|FILE',
        help='a published or trained checkpoint, a config, or the name of a config in '
        f'configs/ready{otherwise}',
    )
    parser.add_argument('--weights', metavar='FILE', help='checkpoint, where the model is a config')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='settings of the config to change, such as model.reid.file=NETWORK.onnx',
    )
    parser.add_argument('--device', help='such as cpu or cuda:1 (default: the first GPU, if any)')


def load_inferencer(
    options: argparse.Namespace, info: GalleryInfo | None = None, min_score: float = 0.3
) -> PersonSearchInferencer:
    """Load the model that the options name, or that a gallery remembers.

    Args:
        options: With those of :func:`add_model_options`.
        info: Of the gallery.
        min_score: Smallest detection score of people.

    Raises:
        ConfigError: No model is named.
    """
    from mmps.apis.inferencer import PersonSearchInferencer

    recipe = dict(info.model.recipe) if info else {}
    if options.model:
        recipe = {'model': options.model, 'weights': None, 'options': {}}
    if not recipe.get('model'):
        raise ConfigError('no model is named: give --model, such as a published checkpoint')
    settings = {**recipe.get('options', {}), **parse_settings(options.cfg_options)}
    with quiet_libraries():
        return PersonSearchInferencer(
            recipe['model'],
            options.weights or recipe.get('weights'),
            options.device,
            min_score,
            settings,
        )


def parse_settings(pairs: list[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` pairs as MMEngine's tools do.

    Args:
        pairs: As given.

    Raises:
        ConfigError: One has no ``=``.
    """
    from mmengine.config import DictAction

    wrong = [pair for pair in pairs if '=' not in pair]
    if wrong:
        raise ConfigError(f'--cfg-options {wrong[0]}: write KEY=VALUE')
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument('--settings', nargs='+', action=DictAction)
    return parser.parse_args(['--settings', *pairs]).settings if pairs else {}


class quiet_libraries:  # noqa: N801 (reads as a phrase in a with statement)
    """Keeps what libraries say while a model is built off the terminal of a command."""

    def __enter__(self) -> None:
        from mmengine.logging import MMLogger

        self._caught = warnings.catch_warnings()
        self._caught.__enter__()
        warnings.simplefilter('ignore')
        self._logger = MMLogger.get_instance('mmengine')
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)

    def __exit__(self, *error: object) -> None:
        self._logger.setLevel(self._level)
        self._caught.__exit__(*error)
