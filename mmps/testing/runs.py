"""A whole training run in seconds, for tests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from .builders import tiny_detector
from .detectors import tiny_faster_rcnn

SIZE = (160, 128)


def tiny_run(data_root: str | Path, work_dir: str | Path, **changes: Any) -> Config:
    """Config of two epochs of detection and three of re-ID on a small drawn set.

    Args:
        data_root: Folder of a converted data set.
        work_dir: Work directory of the run.
        **changes: Values by dotted key, with ``__`` for the dot.
    """
    config = Config(
        {
            'default_scope': 'mmdet',
            **_model(),
            **_data(data_root),
            **_schedule(),
            'randomness': {'seed': 7},
            'log_level': 'ERROR',
            'work_dir': str(work_dir),
            'experiment_name': f'tiny_{time.time_ns()}',
            'visualizer': {
                'type': 'DetLocalVisualizer',
                'name': f'tiny_{time.time_ns()}',
                'vis_backends': [{'type': 'LocalVisBackend'}],
            },
        }
    )
    config.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
    return config


def disjoint_run(data_root: str | Path, work_dir: str | Path, **changes: Any) -> Config:
    """Config of such a run with the baseline, whose search pipelines keep original images.

    Args:
        data_root: Folder of a converted data set.
        work_dir: Work directory of the run.
        **changes: As in :func:`tiny_run`.
    """
    config = tiny_run(data_root, work_dir, default_hooks__two_phase__cache_dtype='uint8')
    branch = {'pooling': {'output_size': (32, 16)}, 'head': {'embedding_channels': 8}}
    config.model = {
        'type': 'mmps.DisjointDetector',
        'detector': config.model.detector,
        'reid_branch': branch,
    }
    for loader in ('cached_people', 'val_dataloader', 'test_dataloader'):
        load, *others = config[loader].dataset.pipeline
        keep = {'type': 'mmps.KeepOriginalImage'}
        config[loader].dataset.pipeline = [load, keep, *others]
    config.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
    return config


def joint_run(
    leaf: str | Path, data_root: str | Path, work_dir: str | Path, **changes: Any
) -> Config:
    """Config of such a run in one phase, with the branch, losses and boxes of another config.

    Args:
        leaf: File of a config that learns on proposals; its detector becomes a tiny Faster R-CNN.
        data_root: Folder of a converted data set.
        work_dir: Work directory of the run.
        **changes: As in :func:`tiny_run`.
    """
    changes = {'custom_hooks': [{'type': 'mmps.OnePhaseHook'}], **changes}
    config = tiny_run(data_root, work_dir, **changes)
    config.default_hooks.pop('two_phase')
    config.model = Config.fromfile(leaf).model
    config.model.detector = tiny_faster_rcnn()
    config.model.shared_stages = 3
    config.model.reid_branch.pooling.output_size = (8, 4)
    config.model.reid_branch.head.embedding_channels = 8
    return config


def train(config: Config) -> Runner:
    """Train a config; return the runner with the trained model."""
    runner = Runner.from_cfg(config)
    runner.train()
    return runner


def _model() -> dict[str, Any]:
    branch = {
        'pooling': {'output_size': (8, 4)},
        'stages': {'start_from': 'random'},
        'head': {'embedding_channels': 8},
    }
    return {
        'model': {
            'type': 'mmps.SharedBackboneDetector',
            'backbone': {},
            'detector': tiny_detector(),
            'reid_branch': branch,
        }
    }


def _data(data_root: str | Path) -> dict[str, Any]:
    load = {'type': 'LoadImageFromFile', '_scope_': 'mmps'}
    people = {'type': 'LoadAnnotations', 'with_bbox': True}
    pack = {'type': 'mmps.PackPersonSearchInputs'}
    resize = {'type': 'Resize', 'scale': SIZE, 'keep_ratio': False}
    training = [load, people, resize, {'type': 'RandomFlip', 'prob': 0.5}, pack]
    testing = [load, resize, people, pack]
    dataset = {
        'type': 'mmps.PersonSearchDataset',
        'data_root': str(data_root),
        'ann_file': 'mmps/train.json',
    }
    tested = {**dataset, 'ann_file': 'mmps/test.json', 'test_mode': True, 'pipeline': testing}
    in_order = {'type': 'DefaultSampler', 'shuffle': False}
    test = {'batch_size': 4, 'num_workers': 0, 'sampler': in_order, 'dataset': tested}
    evaluator = {
        'type': 'mmps.PersonSearchMetric',
        'ann_file': str(Path(data_root) / 'mmps' / 'test.json'),
        'protocol': {'type': 'mmps.GenericProtocol'},
    }
    return {
        'train_dataloader': {
            'batch_size': 6,
            'num_workers': 0,
            'sampler': {'type': 'DefaultSampler', 'shuffle': True},
            'dataset': {**dataset, 'pipeline': training},
        },
        'cached_people': {
            'batch_size': 4,
            'num_workers': 0,
            'images_per_shard': 8,
            'dataset': {**dataset, 'pipeline': testing},
        },
        'val_dataloader': test,
        'test_dataloader': test,
        'val_evaluator': evaluator,
        'test_evaluator': evaluator,
    }


def _schedule() -> dict[str, Any]:
    two_phase = {
        'type': 'mmps.TwoPhaseHook',
        'detection_epochs': 2,
        'stages': [
            {'epochs': 1, 'loss': {'type': 'mmps.SemiHardTripletLoss'}},
            {'epochs': 2, 'loss': {'type': 'mmps.BatchHardTripletLoss'}},
        ],
        'batches': {'type': 'mmps.PKBatchSampler', 'identities': 3, 'shots': 2},
        'optim_wrapper': {'optimizer': {'type': 'Adam', 'lr': 1e-3}},
        'param_scheduler': [{'type': 'CosineAnnealingLR'}],
    }
    return {
        'train_cfg': {'type': 'EpochBasedTrainLoop', 'max_epochs': 5, 'val_interval': 100},
        'val_cfg': {'type': 'ValLoop'},
        'test_cfg': {'type': 'TestLoop'},
        'optim_wrapper': {
            'type': 'OptimWrapper',
            'optimizer': {'type': 'SGD', 'lr': 0.01, 'momentum': 0.9},
            'clip_grad': {'max_norm': 10},
        },
        'param_scheduler': [{'type': 'CosineAnnealingLR'}],
        'default_hooks': {
            'logger': {'type': 'LoggerHook', 'interval': 1},
            'checkpoint': {'type': 'CheckpointHook', 'interval': 1},
            'portable_checkpoint': {'type': 'mmps.PortableCheckpointHook'},
            'two_phase': two_phase,
        },
    }
