from .folding import fold_normalisation

__all__ = ['fold_normalisation']
