"""The command lines around models: counting, converting, comparing."""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmps.testing.builders import tiny_detector, tiny_searcher

TOOLS = Path(__file__).parents[2] / 'tools'


def load(name):
    path = TOOLS / f'{name}.py'
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def call(name, *arguments):
    """Run a tool as a script, in this process; returns its exit code."""
    path, before = TOOLS / f'{name}.py', sys.argv
    sys.argv = [str(path), *map(str, arguments)]
    try:
        runpy.run_path(str(path), run_name='__main__')
    except SystemExit as end:
        return end.code
    finally:
        sys.argv = before
    return None


@pytest.fixture(scope='module')
def costs():
    tool = load('analysis_tools/get_flops')
    return {name: tool.measure(tool.build(path), (640, 640)) for name, path in tool.PAPER.items()}


@pytest.mark.slow
def test_the_more_is_shared_the_less_a_person_costs(costs):
    j2, j3, j4, disjoint = (costs[name] for name in ('J2', 'J3', 'J4', 'Disj.'))
    assert j2.reid_operations > j3.reid_operations > j4.reid_operations > 0
    assert j2.reid_parameters > j3.reid_parameters > j4.reid_parameters > 0
    assert j2.shared_operations < j3.shared_operations < j4.shared_operations
    for ours in (j2, j3, j4):
        assert ours.parameters < disjoint.parameters
        assert all(ours.operations(n) < disjoint.operations(n) for n in (1, 5, 20))
    assert len({cost.detector_operations for cost in costs.values()}) == 1


@pytest.mark.slow
def test_readme_shows_the_counted_table(costs):
    tool = load('analysis_tools/get_flops')
    readme = (TOOLS.parent / 'configs' / 'joint' / 'README.md').read_text(encoding='utf-8')
    assert tool.markdown(costs, [5, 20]) in readme


def test_counts_agree_with_pencil_and_paper():
    tool = load('analysis_tools/get_flops')
    model = tiny_searcher(4)
    cost = tool.measure(model, (64, 64))
    # Two basic blocks of 3x3 convolutions, 64 to 128 channels, 8x4 to 4x2 cells, and the linear.
    convolutions = 9 * (64 * 128 + 3 * 128 * 128) + 64 * 128
    assert cost.reid_operations == 8 * convolutions + 128 * 8
    normalisations = 5 * 2 * 128
    assert cost.reid_parameters == convolutions + normalisations + 128 * 8 + 8
    assert cost.operations(3) == cost.detector_operations + 3 * cost.reid_operations
    assert tool.markdown({'x': cost}, [5]).count('\n') == 3


def test_counting_a_bare_detector_is_told(capsys):
    config = TOOLS.parent / 'configs' / 'toy' / 'retinanet_r18_fpn_synthetic.py'
    assert call('analysis_tools/get_flops', config) == 2
    assert 'builds a bare RetinaNet; give a config of' in capsys.readouterr().err


def coco_weights():
    from mmengine.registry import init_default_scope

    from mmps.registry import MODELS

    init_default_scope('mmdet')
    config = tiny_detector()
    config.bbox_head.num_classes = 80
    return MODELS.build(config).state_dict()


def test_coco_weights_of_a_bare_detector_become_a_persons(tmp_path, capsys):
    from mmps.registry import MODELS

    weights = coco_weights()
    torch.save({'meta': {'classes': ['many']}, 'state_dict': weights}, tmp_path / 'coco.pth')
    out = tmp_path / 'new' / 'person.pth'
    assert call('misc/coco_to_person', tmp_path / 'coco.pth', out) == 0
    assert 'cut bbox_head.retina_cls.weight' in capsys.readouterr().out
    written = torch.load(out, weights_only=True)
    assert written['meta']['dataset_meta']['classes'] == ('person',)
    model = MODELS.build(tiny_detector())
    model.load_state_dict(written['state_dict'], strict=True)
    name = 'bbox_head.retina_cls.weight'
    assert torch.equal(written['state_dict'][name], weights[name][::80])
    assert [p.name for p in out.parent.iterdir()] == ['person.pth']


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (None, 'does not exist; give a checkpoint'),
        (b'no checkpoint', 'cannot be read as a checkpoint'),
        ({'state_dict': {}}, 'holds no weights'),
        ({'state_dict': {'a.weight': torch.ones(2)}}, "no layer that is known to score COCO's 80"),
        (
            {'meta': {'CLASSES': ('cat', 'dog')}, 'state_dict': {'a.fc_cls.bias': torch.ones(81)}},
            "is of 2 classes, the first 'cat', not of COCO's 80",
        ),
        (
            {'meta': {'dataset_meta': {'classes': ['x'] * 80}}, 'a_cls.bias': torch.ones(80)},
            "the first 'x', not of COCO's 80, the first 'person'",
        ),
    ],
)
def test_what_cannot_be_converted_is_told(tmp_path, capsys, content, message):
    source = tmp_path / 'in.pth'
    if isinstance(content, bytes):
        source.write_bytes(content)
    elif content is not None:
        torch.save(content, source)
    assert call('misc/coco_to_person', source, tmp_path / 'out.pth') == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count('\n') == 1
    assert not (tmp_path / 'out.pth').exists()


def test_a_folder_is_no_file_to_convert_to(tmp_path, capsys):
    torch.save(coco_weights(), tmp_path / 'coco.pth')
    assert call('misc/coco_to_person', tmp_path / 'coco.pth', tmp_path) == 2
    assert f'{tmp_path} is a folder; name the file to write' in capsys.readouterr().err


def test_coco_weights_are_converted_in_place(tmp_path):
    path = tmp_path / 'coco.pth'
    torch.save({'meta': None, 'state_dict': coco_weights()}, path)
    assert call('misc/coco_to_person', path, path) == 0
    assert len(torch.load(path, weights_only=True)['state_dict']['bbox_head.retina_cls.bias']) == 3


def test_table_of_presets_has_a_verdict():
    tool = load('analysis_tools/compare_presets')

    def runs(*values):
        return [dict.fromkeys(tool.COLUMNS, v) for v in values]

    results = {
        tool.PLAIN: runs(0.40, 0.50, 0.60),
        'good': runs(0.45, 0.56, 0.64),
        'bad': runs(0.35, 0.44, 0.56),
        'unclear': runs(0.45, 0.45, 0.61),
    }
    lines = tool.table(results).splitlines()[2:]
    assert [line.split('|')[-2].strip() for line in lines] == [
        '', 'helps', 'hurts', 'inconclusive',
    ]  # fmt: skip
    assert '| `good` | 55.0 ± 9.5 |' in lines[1]
    error = np.std([5, 6, 4], ddof=1) / 3**0.5
    assert f'+5.0 ({error:.1f})' in lines[1]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--detector', 'nowhere.pth'], 'nowhere.pth or'),
        (['--detector', __file__, '--data', '.', '--presets', 'magic'], "unknown preset 'magic'"),
        (['--detector', __file__, '--data', '.', '--seeds', '1'], 'needs at least two seeds'),
    ],
)
def test_comparing_what_is_not_there_is_told(tmp_path, capsys, arguments, message):
    assert call('analysis_tools/compare_presets', *arguments, '--work-dir', tmp_path) == 2
    assert message in capsys.readouterr().err
