from .formatting import PackPersonSearchInputs
from .loading import LoadPeople, LoadScene

__all__ = ['LoadPeople', 'LoadScene', 'PackPersonSearchInputs']
