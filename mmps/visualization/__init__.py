from .curves import draw_training_curves
from .figures import save_figure
from .ranked_list import Hit, RankedList, draw_ranked_lists
from .result_bars import draw_result_bars, read_results, table_rows
from .search_results import ranked_lists, spread_queries
from .training_log import TrainingLog, read_training_log

__all__ = [
    'Hit',
    'RankedList',
    'TrainingLog',
    'draw_ranked_lists',
    'draw_result_bars',
    'draw_training_curves',
    'ranked_lists',
    'read_results',
    'read_training_log',
    'save_figure',
    'spread_queries',
    'table_rows',
]
