"""The public Python API: everything in ``__all__`` is documented and stable.

Names are imported when they are first used, so that ``import mmps.apis`` stays cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmps.gallery import GalleryModel, Hits, Rows, Where, open_gallery
    from mmps.structures import ConfigError, DataError, FoundPeople, UserError

    from .configs import load_config, resume_from
    from .experiments import Experiment, Run, Step, data_options, reid_options
    from .inference import find_people, list_images, load_model
    from .inferencer import PersonSearchInferencer
    from .running import evaluate_checkpoint, train_config

__all__ = [
    'ConfigError',
    'DataError',
    'Experiment',
    'FoundPeople',
    'GalleryModel',
    'Hits',
    'PersonSearchInferencer',
    'Rows',
    'Run',
    'Step',
    'UserError',
    'Where',
    'data_options',
    'evaluate_checkpoint',
    'find_people',
    'list_images',
    'load_config',
    'load_model',
    'open_gallery',
    'reid_options',
    'resume_from',
    'train_config',
]

_HOMES = {
    'mmps.apis.inferencer': ('PersonSearchInferencer',),
    'mmps.gallery': ('GalleryModel', 'Hits', 'Rows', 'Where', 'open_gallery'),
    'mmps.apis.configs': ('load_config', 'resume_from'),
    'mmps.apis.experiments': ('Experiment', 'Run', 'Step', 'data_options', 'reid_options'),
    'mmps.apis.inference': ('find_people', 'list_images', 'load_model'),
    'mmps.apis.running': ('evaluate_checkpoint', 'train_config'),
    'mmps.structures': ('ConfigError', 'DataError', 'FoundPeople', 'UserError'),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
