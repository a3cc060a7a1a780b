from ..problems import Problem, report
from .validate import validate

__all__ = ['Problem', 'report', 'validate']
