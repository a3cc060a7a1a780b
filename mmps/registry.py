"""Registries of mmps: children of mmdet's, so that either package finds the other's parts.

Types of ours are written ``mmps.Name``, in configs and in library defaults; the default scope of a
config stays ``mmdet``. The name ``mmps.X`` imports this module and the module of ``X``
automatically: no ``custom_imports`` is needed.
"""

from mmdet import registry as mmdet_registry
from mmengine.registry import Registry

MODELS = Registry('model', parent=mmdet_registry.MODELS, scope='mmps', locations=['mmps.models'])
TASK_UTILS = Registry(
    'task util', parent=mmdet_registry.TASK_UTILS, scope='mmps', locations=['mmps.evaluation']
)
DATASETS = Registry(
    'dataset', parent=mmdet_registry.DATASETS, scope='mmps', locations=['mmps.datasets']
)
TRANSFORMS = Registry(
    'transform', parent=mmdet_registry.TRANSFORMS, scope='mmps', locations=['mmps.datasets']
)
DATA_SAMPLERS = Registry(
    'data sampler', parent=mmdet_registry.DATA_SAMPLERS, scope='mmps', locations=['mmps.datasets']
)
HOOKS = Registry('hook', parent=mmdet_registry.HOOKS, scope='mmps', locations=['mmps.engine.hooks'])
METRICS = Registry(
    'metric', parent=mmdet_registry.METRICS, scope='mmps', locations=['mmps.evaluation']
)
VISUALIZERS = Registry(
    'visualizer', parent=mmdet_registry.VISUALIZERS, scope='mmps', locations=['mmps.visualization']
)
OPTIM_WRAPPERS = Registry(
    'optim wrapper', parent=mmdet_registry.OPTIM_WRAPPERS, scope='mmps', locations=['mmps.engine']
)
