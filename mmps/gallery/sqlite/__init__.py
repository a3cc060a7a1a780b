from .store import SqliteGallery

__all__ = ['SqliteGallery']
