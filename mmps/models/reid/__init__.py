from .aggregation import AveragePool, GeMPool
from .bn_neck import BNNeck
from .branch import ReIDBranch
from .crop_and_resize import CropAndResize
from .crop_backbone import CropBackbone
from .crop_networks import ExportedReID, PretrainedReID, ReadyHead
from .feature_tap import FeatureTap
from .norm_aware_head import NormAwareReIDHead
from .random_erasing import RandomErasing
from .replicated_stages import ReplicatedStages
from .roi_pooling import RoIPooling
from .training_boxes import GroundTruthBoxes, ProposalBoxes
from .triplet_head import TripletReIDHead

__all__ = [
    'AveragePool',
    'BNNeck',
    'CropAndResize',
    'CropBackbone',
    'ExportedReID',
    'FeatureTap',
    'GeMPool',
    'GroundTruthBoxes',
    'NormAwareReIDHead',
    'PretrainedReID',
    'ProposalBoxes',
    'RandomErasing',
    'ReIDBranch',
    'ReadyHead',
    'ReplicatedStages',
    'RoIPooling',
    'TripletReIDHead',
]
