from .crop_reid import CropReID
from .disjoint import DisjointDetector
from .shared_backbone import SharedBackboneDetector

__all__ = ['CropReID', 'DisjointDetector', 'SharedBackboneDetector']
