from .person_search import PersonSearchMetric

__all__ = ['PersonSearchMetric']
