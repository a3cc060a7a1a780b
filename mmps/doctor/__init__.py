"""The problems of this installation, and the command that fixes each.

``python -m mmps.doctor`` works with any part missing: each package is tried in a process of its
own (``probes.py``), the findings are drawn from those facts alone (``diagnosis.py``).
"""

from .facts import Facts, Probe, gather
from .findings import Finding

__all__ = ['Facts', 'Finding', 'Probe', 'gather']
