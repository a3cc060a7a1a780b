from .base import ReIDLoss
from .center import CenterLoss
from .cross_batch import CrossBatchTripletLoss
from .identity_softmax import (
    HardExamplePriorityLoss,
    IdentitySoftmaxLoss,
    RandomSamplingSoftmaxLoss,
)
from .loss_sum import LossSum
from .oim import InstanceEnhancingLoss, OIMLoss
from .online_pairing import OnlinePairingLoss
from .stage_losses import StageLosses
from .triplet import BatchHardTripletLoss, SemiHardTripletLoss, TripletLoss

__all__ = [
    'BatchHardTripletLoss',
    'CenterLoss',
    'CrossBatchTripletLoss',
    'HardExamplePriorityLoss',
    'IdentitySoftmaxLoss',
    'InstanceEnhancingLoss',
    'LossSum',
    'OIMLoss',
    'OnlinePairingLoss',
    'RandomSamplingSoftmaxLoss',
    'ReIDLoss',
    'SemiHardTripletLoss',
    'StageLosses',
    'TripletLoss',
]
