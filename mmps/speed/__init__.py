from .by_hand import predict_by_hand
from .measuring import Cell, Settings, measure_cell, measure_overhead
from .planted import PlantedPeople
from .timing import Quartiles, interleaved, quartiles
from .variants import Variant, build_variant, flops_per_part

__all__ = [
    'Cell',
    'PlantedPeople',
    'Quartiles',
    'Settings',
    'Variant',
    'build_variant',
    'flops_per_part',
    'interleaved',
    'measure_cell',
    'measure_overhead',
    'predict_by_hand',
    'quartiles',
]
