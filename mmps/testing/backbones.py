"""Small backbones of every family that re-ID can share stages of, for tests."""

from __future__ import annotations

from mmengine.config import ConfigDict

from .builders import tiny_detector

BACKBONES = {
    'resnet': {'type': 'ResNet', 'depth': 50, 'base_channels': 8, 'zero_init_residual': False},
    'swin': {
        'type': 'SwinTransformer',
        'embed_dims': 8,
        'depths': (1, 2, 2, 2),
        'num_heads': (1, 2, 2, 4),
        'window_size': 4,
    },
    'pvt': {
        'type': 'PyramidVisionTransformer',
        'embed_dims': 8,
        'num_layers': [1, 2, 2, 2],
        'num_heads': [1, 2, 4, 8],
        'pretrain_img_size': 64,
    },
    'pvt-v2': {
        'type': 'PyramidVisionTransformerV2',
        'embed_dims': 8,
        'num_layers': [1, 2, 2, 2],
        'num_heads': [1, 2, 4, 8],
    },
    'csp-darknet': {'type': 'CSPDarknet', 'deepen_factor': 0.33, 'widen_factor': 0.125},
    'csp-next': {'type': 'CSPNeXt', 'deepen_factor': 0.33, 'widen_factor': 0.125},
    'mobilenet-v2': {'type': 'MobileNetV2', 'widen_factor': 0.25, 'out_indices': (2, 4, 6)},
}
"""Configs by name; each has outputs at strides of 8, 16 and 32."""

CHANNELS = {
    'resnet': (32, 64, 128, 256),
    'swin': (8, 16, 32, 64),
    'pvt': (8, 16, 32, 64),
    'pvt-v2': (8, 16, 32, 64),
    'csp-darknet': (16, 32, 64, 128),
    'csp-next': (16, 32, 64, 128),
    'mobilenet-v2': (8, 8, 24, 80),
}
"""Of the outputs of C2 to C5."""


def detector_on(name: str) -> ConfigDict:
    """Config of the tiny RetinaNet on another backbone.

    Args:
        name: A key of ``BACKBONES``.
    """
    detector = tiny_detector(backbone=dict(BACKBONES[name]))
    first = len(detector.backbone.get('out_indices', (0, 1, 2, 3))) - 3
    if name.startswith('csp'):
        first = 0  # by default C3 to C5 come out
    channels = CHANNELS[name][0 if first else 1 :]
    detector.neck.update(in_channels=list(channels), start_level=first)
    return detector
