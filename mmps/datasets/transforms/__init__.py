from .formatting import PackPersonSearchInputs
from .keeping import KeepOriginalImage
from .loading import LoadPeople, LoadScene
from .reduced_loading import LoadResizedScene

__all__ = [
    'KeepOriginalImage',
    'LoadPeople',
    'LoadResizedScene',
    'LoadScene',
    'PackPersonSearchInputs',
]
