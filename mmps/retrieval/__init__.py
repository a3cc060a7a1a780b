from .nearest import Nearest, most_similar, nearest_rows
from .similarity import Array, similarity_blocks

__all__ = ['Array', 'Nearest', 'most_similar', 'nearest_rows', 'similarity_blocks']
