from mmps.benchmarks.forced_detections import PlantedPeople
from mmps.benchmarks.inputs import Work
from mmps.benchmarks.unwrapped import predict_by_hand, run_trunk

from .caching import measure_cache
from .evaluating import measure_evaluation
from .measuring import Cell, Settings, measure_cells, measure_overhead
from .options import Options, prepare
from .timing import Quartiles, interleaved, quartiles
from .training import measure_detection_steps, measure_reid_steps
from .variants import Variant, build_variant, check_head, flops_per_part, is_shared

__all__ = [
    'Cell',
    'Options',
    'PlantedPeople',
    'Quartiles',
    'Settings',
    'Variant',
    'Work',
    'build_variant',
    'check_head',
    'flops_per_part',
    'interleaved',
    'is_shared',
    'measure_cache',
    'measure_cells',
    'measure_detection_steps',
    'measure_evaluation',
    'measure_overhead',
    'measure_reid_steps',
    'predict_by_hand',
    'prepare',
    'quartiles',
    'run_trunk',
]
