from .formatting import PackPersonSearchInputs
from .loading import LoadPeople, LoadScene
from .reduced_loading import LoadResizedScene

__all__ = ['LoadPeople', 'LoadResizedScene', 'LoadScene', 'PackPersonSearchInputs']
