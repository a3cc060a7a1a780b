"""The parts of a model that become graphs, and writing them as ONNX."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmps.structures import PERSON_LABEL, ConfigError

from .detectors import Adapter

OLDEST = (2, 9)
"""First version of PyTorch whose exporter is used here."""


class DetectorGraph(nn.Module):
    """A detector up to the boxes of every anchor, and what its branch pools.

    Args:
        model: A person-search model.
        adapter: Of its detector.
        shared: Whether the branch pools a feature of the detector.
    """

    def __init__(self, model: nn.Module, adapter: Adapter, shared: bool) -> None:
        super().__init__()
        self.detector = model.detector
        self.adapter, self.source, self.shared = adapter, model.source, shared

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Compute all outputs by their names."""
        outputs = {}
        if self.shared:
            with self.source.watch(image) as source:
                features = self.detector.extract_feat(image)
                outputs['feature'] = source.feature
        else:
            features = self.detector.extract_feat(image)
        for number, level in enumerate(self.adapter.levels(self.detector, features)):
            named = zip(('boxes', 'scores', 'factors'), level, strict=False)
            outputs |= {f'{name}_{number}': values for name, values in named}
        pyramid = features[: self.adapter.pyramid(self.detector)]
        return outputs | {f'pyramid_{number}': level for number, level in enumerate(pyramid)}


class BranchGraph(nn.Module):
    """A branch behind its pooling.

    Args:
        branch: Of a person-search model.
    """

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, pooled: Tensor) -> dict[str, Tensor]:
        """Embed ``(N, C, h, w)``."""
        return {'embeddings': self.branch.embed(pooled)}


class BoxGraph(nn.Module):
    """The second stage of a detector behind its pooling.

    Args:
        head: Its box head.
    """

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, pooled: Tensor, boxes: Tensor) -> dict[str, Tensor]:
        """Score and refine proposals: ``(N, C, h, w)`` and ``(N, 4)``."""
        logits, deltas = self.head(pooled)
        first = 0 if self.head.reg_class_agnostic else 4 * PERSON_LABEL
        refined = self.head.bbox_coder.decode(boxes, deltas[:, first : first + 4])
        return {'refined': refined, 'scores': logits.softmax(-1)[:, PERSON_LABEL]}


def to_onnx(
    graph: nn.Module, inputs: Mapping[str, Tensor], dynamic: Mapping[str, Mapping[int, Any]]
) -> Any:
    """Export a module to ONNX.

    Args:
        graph: Returns outputs by their names.
        inputs: Examples by name.
        dynamic: Dimensions of inputs that vary.

    Returns:
        An ``onnx.ModelProto``.

    Raises:
        ConfigError: PyTorch is too old, or packages are missing.
    """
    version = tuple(int(part) for part in torch.__version__.split('.')[:2])
    if version < OLDEST:
        raise ConfigError(
            f'export needs PyTorch 2.9 or newer, and this is {torch.__version__}: update it, or '
            'export on another machine'
        )
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"export needs {error.name}: pip install 'mmps[export]'") from None
    with torch.no_grad(), quiet():
        names = list(graph(**inputs))
        program = torch.onnx.export(
            graph,
            (),
            kwargs=dict(inputs),
            input_names=list(inputs),
            output_names=names,
            dynamic_shapes={name: dict(dynamic.get(name, {})) for name in inputs},
            dynamo=True,
            verbose=False,
        )
    return program.model_proto


@contextlib.contextmanager
def quiet() -> Any:
    """Keep what the exporter says of its steps off the terminal."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(level)


def with_pooling(
    network: Any, channels: int, size: Sequence[int], sampling: int, scale: float | None
) -> Any:
    """Put RoIAlign before a network that takes pooled boxes.

    Args:
        network: ``onnx.ModelProto`` with an input ``pooled``; changed in place.
        channels: Of the feature.
        size: (height, width) of a pooled box.
        sampling: Samples per bin and axis, 0 for one per cell.
        scale: Cells of the feature per pixel; ``None`` where it is an input ``scale``.

    Returns:
        The network with the inputs ``feature`` and ``boxes`` instead of ``pooled``.
    """
    from onnx import TensorProto, helper

    graph = network.graph
    kept = [value for value in graph.input if value.name not in ('pooled', 'boxes')]
    real = TensorProto.FLOAT
    inputs = [
        helper.make_tensor_value_info('feature', real, [1, channels, 'height', 'width']),
        helper.make_tensor_value_info('boxes', real, ['people', 4]),
    ]
    nodes = [
        helper.make_node('Shape', ['boxes'], ['pool_count'], start=0, end=1),
        helper.make_node(
            'ConstantOfShape',
            ['pool_count'],
            ['pool_images'],
            value=helper.make_tensor('zero', TensorProto.INT64, [1], [0]),
        ),
    ]
    pooled_boxes = 'boxes'
    if scale is None:
        inputs.append(helper.make_tensor_value_info('scale', real, []))
        nodes.append(helper.make_node('Mul', ['boxes', 'scale'], ['pool_boxes']))
        pooled_boxes = 'pool_boxes'
    nodes.append(
        helper.make_node(
            'RoiAlign',
            ['feature', pooled_boxes, 'pool_images'],
            ['pooled'],
            mode='avg',
            output_height=int(size[0]),
            output_width=int(size[1]),
            sampling_ratio=int(sampling),
            spatial_scale=1.0 if scale is None else float(scale),
            coordinate_transformation_mode='half_pixel',
        )
    )
    others = list(graph.node)
    del graph.input[:], graph.node[:]
    graph.input.extend([*inputs, *kept])
    graph.node.extend([*nodes, *others])
    return network
