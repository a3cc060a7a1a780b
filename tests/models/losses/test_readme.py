"""The README's loss and config work as they stand."""

import importlib
import re
import sys
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

import mmps.models.losses
from mmps.models.reid import TripletReIDHead

README = Path(mmps.models.losses.__file__).with_name('README.md')


def blocks():
    return re.findall(r'```python\n(.*?)```', README.read_text(encoding='utf-8'), re.S)


@pytest.fixture
def written(tmp_path, monkeypatch):
    """The README's files, in a folder on the path."""
    _, loss, config = blocks()
    (tmp_path / 'prototypes.py').write_text(loss)
    (tmp_path / 'config.py').write_text(config)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield Config.fromfile(tmp_path / 'config.py')
    sys.modules.pop('prototypes', None)
    MODELS.module_dict.pop('PrototypeLoss')


def test_the_example_learns_in_phase_2_and_in_the_direct_objective(written):
    torch.manual_seed(0)
    (stage,) = written.default_hooks.two_phase.stages
    for loss in (stage.loss, written.model.reid_branch.head.loss):
        head = TripletReIDHead(6, 4, loss=loss)
        head.set_num_ids(5)
        optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
        features, ids = torch.randn(12, 6), torch.tensor([0, 1, 2, -1] * 3)
        values = []
        for _ in range(30):
            optimizer.zero_grad()
            value = head.loss(features, ids)['loss_reid']
            value.backward()
            optimizer.step()
            values.append(value.item())
        assert values[-1] < 0.5 * values[0]
        table = head.losses.active.table
        torch.testing.assert_close(table.norm(dim=1), torch.tensor([1.0, 1, 1, 0, 0]))
        assert head.losses.active.scale != 10


def test_the_config_of_another_packages_loss_builds():
    pytest.importorskip('pytorch_metric_learning')
    (config,) = re.findall(r'`(dict\(type=\'pytorch_metric[^`]*)`', README.read_text('utf-8'))
    head = TripletReIDHead(6, 4, loss=eval(config, {'dict': dict}))
    assert head.losses.active.margin == 0.3


def test_the_sum_of_losses_builds():
    names = {}
    exec(blocks()[0], names)
    head = TripletReIDHead(6, 4, loss=names['loss'])
    head.set_num_ids(3)
    logged = head.loss(torch.randn(6, 6), torch.tensor([0, 0, 1, 1, 2, -1]))
    assert logged['loss_reid'] == logged['triplet'] + 0.01 * logged['center']
