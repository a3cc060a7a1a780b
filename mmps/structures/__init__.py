from .boxes import image_to_network, mirrored, network_to_image, xywh_to_xyxy, xyxy_to_xywh
from .errors import ConfigError, DataError, UserError
from .found_people import FoundPeople
from .identities import (
    BACKGROUND,
    PERSON_LABEL,
    UNLABELLED,
    IdentityMap,
    identity_space,
    in_space,
    is_labelled,
    relabel,
)

__all__ = [
    'BACKGROUND',
    'PERSON_LABEL',
    'UNLABELLED',
    'ConfigError',
    'DataError',
    'FoundPeople',
    'IdentityMap',
    'UserError',
    'identity_space',
    'image_to_network',
    'in_space',
    'is_labelled',
    'mirrored',
    'network_to_image',
    'relabel',
    'xywh_to_xyxy',
    'xyxy_to_xywh',
]
