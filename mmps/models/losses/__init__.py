from .cross_batch import CrossBatchTripletLoss
from .triplet import BatchHardTripletLoss, SemiHardTripletLoss

__all__ = ['BatchHardTripletLoss', 'CrossBatchTripletLoss', 'SemiHardTripletLoss']
