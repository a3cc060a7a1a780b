from .base import ReIDLoss
from .cross_batch import CrossBatchTripletLoss
from .stage_losses import StageLosses
from .triplet import BatchHardTripletLoss, SemiHardTripletLoss, TripletLoss

__all__ = [
    'BatchHardTripletLoss',
    'CrossBatchTripletLoss',
    'ReIDLoss',
    'SemiHardTripletLoss',
    'StageLosses',
    'TripletLoss',
]
