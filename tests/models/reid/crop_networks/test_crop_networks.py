from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from mmps.models.reid.crop_networks import ExportedReID, PretrainedReID, ReadyHead
from mmps.structures import ConfigError, UserError

SIZE = (16, 8)
WEIGHTS = Path(__file__).parents[4].parent / 'shared' / 'weights' / 'openvino'


class Small(nn.Module):
    """A network whose result every pixel and channel changes."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(5, 3, *SIZE, generator=generator) / 100)

    def forward(self, crops):
        return torch.einsum('nchw,dchw->nd', crops, self.weight)


def write_onnx(path, batch='n', size=SIZE):
    """Write :class:`Small` as ONNX, for any number of crops or a fixed one."""
    onnx = pytest.importorskip('onnx', reason="needs onnx: pip install 'mmps[tests]'")
    from onnx import TensorProto, helper, numpy_helper

    weight = Small().weight.detach().reshape(5, -1).T.numpy()
    nodes = [
        helper.make_node('Flatten', ['crops'], ['flat'], axis=1),
        helper.make_node('MatMul', ['flat', 'weight'], ['vectors']),
    ]
    graph = helper.make_graph(
        nodes,
        'small',
        [helper.make_tensor_value_info('crops', TensorProto.FLOAT, [batch, 3, *size])],
        [helper.make_tensor_value_info('vectors', TensorProto.FLOAT, [batch, 5])],
        [numpy_helper.from_array(np.ascontiguousarray(weight), 'weight')],
    )
    opset = helper.make_opsetid('', 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
    return str(path)


def write_ir(path, batch=-1):
    """Write :class:`Small` as OpenVINO IR."""
    openvino = pytest.importorskip(
        'openvino', reason="needs openvino: pip install 'mmps[openvino]'"
    )
    source = write_onnx(path.with_suffix('.onnx'), batch='n' if batch == -1 else batch)
    openvino.save_model(openvino.Core().read_model(source), str(path), compress_to_fp16=False)
    return str(path)


@pytest.fixture(params=['onnx', 'onnx fixed', 'ir', 'ir fixed'])
def file(request, tmp_path):
    kind, _, fixed = request.param.partition(' ')
    batch = 2 if fixed else None
    if kind == 'onnx':
        pytest.importorskip('onnxruntime', reason="needs onnxruntime: pip install 'mmps[onnx]'")
        return write_onnx(tmp_path / 'a.onnx', batch or 'n')
    return write_ir(tmp_path / 'a.xml', batch or -1)


@pytest.mark.parametrize('count', [1, 2, 5])
def test_an_exported_network_computes_what_it_did(file, count):
    mean, std = [10.0, 20.0, 30.0], [2.0, 4.0, 8.0]
    network = ExportedReID(file, SIZE, mean, std)
    assert network.out_channels == 5
    assert not list(network.parameters())
    crops = torch.randint(0, 256, (count, 3, *SIZE)).float()
    normalised = (crops - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    expected = Small()(normalised)
    torch.testing.assert_close(network(crops)[..., 0, 0], expected, rtol=1e-4, atol=1e-4)


def test_the_digest_is_of_the_content_and_not_of_the_place(tmp_path):
    first = ExportedReID(write_onnx(tmp_path / 'a.onnx'), SIZE)
    second = ExportedReID(write_onnx(tmp_path / 'b.onnx'), SIZE)
    other = ExportedReID(write_onnx(tmp_path / 'c.onnx', batch=2), SIZE)
    assert repr(first) == repr(second) != repr(other)
    assert repr(ExportedReID(str(tmp_path / 'a.onnx'), SIZE, mean=(1, 1, 1))) != repr(first)


def test_files_that_cannot_be_are_refused(tmp_path):
    good = Path(write_onnx(tmp_path / 'a.onnx'))
    (tmp_path / 'text.onnx').write_text('no network')
    (tmp_path / 'cut.onnx').write_bytes(good.read_bytes()[:100])
    (tmp_path / 'alone.xml').write_text('<net/>')
    for name, size, words in (
        (None, SIZE, 'model.reid.file is not set'),
        ('none.onnx', SIZE, 'does not exist'),
        ('text.onnx', SIZE, 'no readable network'),
        ('cut.onnx', SIZE, 'no readable network'),
        ('alone.xml', SIZE, 'alone.bin does not exist'),
        ('a.pth', SIZE, 'no exported network'),
        ('a.onnx', (32, 8), 'set model.reid.size'),
    ):
        with pytest.raises(ConfigError, match=words):
            ExportedReID(name and str(tmp_path / name), size)


def test_a_program_that_is_not_installed_is_named(tmp_path, monkeypatch):
    path = write_onnx(tmp_path / 'a.onnx')
    monkeypatch.setitem(__import__('sys').modules, 'onnxruntime', None)
    with pytest.raises(ConfigError, match=r'pip install .mmps\[onnx\]'):
        ExportedReID(path, SIZE)


@pytest.mark.parametrize('name', ['0287', '0288'])
def test_public_networks_tell_people_apart(name):
    path = WEIGHTS / f'person-reidentification-retail-{name}.xml'
    if not path.is_file():
        pytest.skip('shared/weights/openvino is not there')
    network = ExportedReID(str(path), (256, 128))
    generator = torch.Generator().manual_seed(0)
    crops = torch.rand(3, 3, 256, 128, generator=generator) * 255
    together = F.normalize(network(crops)[..., 0, 0])
    alone = torch.cat([F.normalize(network(crop[None])[..., 0, 0]) for crop in crops])
    assert network.out_channels == 256
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-3)


BACKBONE = {'type': 'ResNet', 'depth': 18, 'norm_eval': True, 'init_cfg': None}


def openmmlab_file(path, hidden=16, out=8):
    """A file of the keys and shapes of OpenMMLab's re-ID networks, for a small backbone."""
    from mmdet.models.reid import FcModule

    from mmps.registry import MODELS

    torch.manual_seed(0)
    backbone = MODELS.build({**BACKBONE, 'type': 'mmdet.ResNet'})
    hidden_layer = FcModule(512, hidden, norm_cfg={'type': 'BN1d'})
    last = nn.Linear(hidden, out)
    weights = {f'backbone.{k}': v for k, v in backbone.state_dict().items()}
    weights |= {f'head.fcs.0.{k}': v for k, v in hidden_layer.state_dict().items()}
    weights |= {f'head.fc_out.{k}': v for k, v in last.state_dict().items()}
    weights |= {f'head.bn.{k}': v for k, v in nn.BatchNorm1d(out).state_dict().items()}
    weights |= {f'head.classifier.{k}': v for k, v in nn.Linear(out, 380).state_dict().items()}
    torch.save({'state_dict': weights, 'meta': {}}, path)
    for part in (backbone, hidden_layer):
        part.eval()
    return lambda x: last(hidden_layer(backbone(x)[-1].mean((2, 3))))


def pretrained(path, **changes):
    sizes = {'hidden_channels': 16, 'out_channels': 8, 'size': (64, 32)}
    backbone = {**BACKBONE, 'type': 'mmdet.ResNet'}
    return PretrainedReID(str(path), backbone=backbone, **{**sizes, **changes}).eval()


def test_a_network_of_openmmlab_computes_what_it_did(tmp_path):
    expected = openmmlab_file(tmp_path / 'reid.pth')
    network = pretrained(tmp_path / 'reid.pth')
    crops = torch.rand(3, 3, 64, 32) * 255
    normalised = (crops - network.mean) / network.std
    torch.testing.assert_close(network(crops)[..., 0, 0], expected(normalised))
    assert network.mean.flatten().tolist() == pytest.approx([123.675, 116.28, 103.53])
    with pytest.raises(ConfigError, match='trained with 64x32'):
        network(torch.zeros(1, 3, 32, 32))


def test_files_of_other_networks_are_refused(tmp_path):
    openmmlab_file(tmp_path / 'reid.pth')
    for changes in ({'hidden_channels': 32}, {'out_channels': 128}):
        with pytest.raises(ConfigError, match=r'lacks .* weights'):
            pretrained(tmp_path / 'reid.pth', **changes)
    with pytest.raises(UserError, match='does not exist'):
        pretrained(tmp_path / 'none.pth')
    content = torch.load(tmp_path / 'reid.pth', weights_only=True)
    first = pretrained(tmp_path / 'reid.pth').digest
    content['state_dict']['head.fc_out.bias'] += 1
    torch.save(content, tmp_path / 'changed.pth')
    assert pretrained(tmp_path / 'changed.pth').digest != first


def test_a_finished_network_is_not_trained():
    head = ReadyHead(4)
    vectors = head(torch.tensor([[3.0, 4.0, 0.0, 0.0]]))
    torch.testing.assert_close(vectors, torch.tensor([[0.6, 0.8, 0.0, 0.0]]))
    with pytest.raises(ConfigError, match='not trained'):
        head.loss(vectors, torch.tensor([1]))
