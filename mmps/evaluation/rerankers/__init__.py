from .context_graph import ContextGraph
from .k_reciprocal import KReciprocal

__all__ = ['ContextGraph', 'KReciprocal']
