from . import samplers, transforms  # noqa: F401  # registration
from .person_search import PersonSearchDataset

__all__ = ['PersonSearchDataset']
