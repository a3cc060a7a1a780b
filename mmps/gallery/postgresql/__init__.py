from .store import PostgresqlGallery

__all__ = ['PostgresqlGallery']
