from .identities import normalise_identities
from .problems import Problem, report
from .validate import validate

__all__ = ['Problem', 'normalise_identities', 'report', 'validate']
