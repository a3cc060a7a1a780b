"""A person-search model as a folder of ONNX files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from mmcv import ops
from torch import nn

from mmps.exported.manifest import Branch, Detector, Manifest, Preparation
from mmps.files import write_atomically
from mmps.models.reid import CropAndResize, ExportedReID
from mmps.structures import ConfigError

from .detectors import Adapter, adapter_of
from .graphs import BoxGraph, BranchGraph, DetectorGraph, to_onnx, with_pooling
from .preparing import preparation_of

DIVISOR = 32
"""Input sizes that vary are multiples of this, as feature pyramids want them."""

LONGEST = 4096


def export_model(
    model: nn.Module,
    pipeline: Sequence[Mapping[str, Any]],
    folder: Path,
    fingerprint: str,
    calibration: dict[str, Any] | None = None,
) -> Manifest:
    """Write a model as ONNX networks, with a file that says how they are used.

    Args:
        model: A person-search model in evaluation mode.
        pipeline: Configs of its test pipeline.
        folder: Where the files go; it is made.
        fingerprint: Of the model.
        calibration: Of the model, as plain data.

    Raises:
        ConfigError: The detector, its pipeline or its branch is of a kind that cannot be exported.
    """
    adapter = adapter_of(model.detector)
    preparation = preparation_of(pipeline, model.data_preprocessor.images)
    if preparation.fixed is None and preparation.divisor % DIVISOR:
        preparation = replace(preparation, divisor=DIVISOR)
    detector = adapter.describe(model.detector, 'detector.onnx')
    crops = isinstance(model.reid_branch.pooling, CropAndResize)
    if not crops:
        _check_pooling(model.reid_branch.pooling)
    files = _detector_files(model, adapter, detector, preparation, not crops)
    branch, further = (_crop_branch if crops else _roi_branch)(model)
    digests = {}
    for name, content in (files | further).items():
        write_atomically(folder / name, content)
        digests[name] = hashlib.sha256(content).hexdigest()
    manifest = Manifest(
        fingerprint,
        model.reid_branch.head.embedding_channels,
        preparation,
        detector,
        branch,
        calibration,
        digests,
    )
    manifest.save(folder)
    return manifest


def _detector_files(
    model: nn.Module, adapter: Adapter, detector: Detector, preparation: Preparation, shared: bool
) -> dict[str, bytes]:
    height, width = preparation.fixed or (8 * DIVISOR, 6 * DIVISOR)
    image = torch.zeros(1, 3, height, width)
    dynamic = {}
    if preparation.fixed is None:
        most = LONGEST // DIVISOR
        sides = [DIVISOR * torch.export.Dim(name, min=2, max=most) for name in ('rows', 'columns')]
        dynamic = {'image': dict(zip((2, 3), sides, strict=True))}
    network = to_onnx(DetectorGraph(model, adapter, shared), {'image': image}, dynamic)
    files = {detector.file: network.SerializeToString()}
    if detector.box_file:
        files[detector.box_file] = _box_network(model.detector)
    return files


def _box_network(detector: nn.Module) -> bytes:
    extractor, head = detector.roi_head.bbox_roi_extractor, detector.roi_head.bbox_head
    layer = extractor.roi_layers[0]
    size = tuple(layer.output_size)
    inputs = {
        'pooled': torch.zeros(2, extractor.out_channels, *size),
        'boxes': torch.tensor([[0.0, 0.0, 9.0, 9.0]]).repeat(2, 1),
    }
    people = torch.export.Dim('people', min=1)
    network = to_onnx(BoxGraph(head), inputs, {name: {0: people} for name in inputs})
    network = with_pooling(network, extractor.out_channels, size, layer.sampling_ratio, None)
    return network.SerializeToString()


def _check_pooling(pooling: nn.Module) -> None:
    layer = pooling.layer
    if not (isinstance(layer, ops.RoIAlign) and layer.aligned and layer.pool_mode == 'avg'):
        raise ConfigError(
            f'{type(layer).__name__} cannot be exported: only RoIAlign with aligned=True and '
            'averages can'
        )


def _pooled_network(model: nn.Module) -> Any:
    pooled = torch.zeros(2, *model.pooled_shape)
    people = torch.export.Dim('people', min=1)
    return to_onnx(BranchGraph(model.reid_branch), {'pooled': pooled}, {'pooled': {0: people}})


def _roi_branch(model: nn.Module) -> tuple[Branch, dict[str, bytes]]:
    layer = model.reid_branch.pooling.layer
    network = with_pooling(
        _pooled_network(model),
        model.source.channels,
        model.reid_branch.pooling.output_size,
        layer.sampling_ratio,
        layer.spatial_scale,
    )
    return Branch('branch.onnx'), {'branch.onnx': network.SerializeToString()}


def _crop_branch(model: nn.Module) -> tuple[Branch, dict[str, bytes]]:
    pooling, stages = model.reid_branch.pooling, model.reid_branch.stages
    branch = Branch(
        'branch.onnx',
        crops=True,
        size=tuple(pooling.output_size),
        swap_channels=pooling.swap_channels,
        interpolation=pooling.interpolation,
    )
    if not isinstance(stages, ExportedReID):
        return branch, {branch.file: _pooled_network(model).SerializeToString()}
    # A finished network stays as it is, with its normalisation beside it.
    names = [f'branch{path.suffix}' for path in stages.files]
    content = {name: path.read_bytes() for name, path in zip(names, stages.files, strict=True)}
    mean, std = (tuple(part.flatten().tolist()) for part in (stages.mean, stages.std))
    return replace(branch, file=names[0], mean=mean, std=std), content
