from .store import MilvusGallery

__all__ = ['MilvusGallery']
