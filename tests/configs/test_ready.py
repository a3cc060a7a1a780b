"""Configs that search without training, on files of the keys and shapes of the public ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmps.apis.inferencer import PersonSearchInferencer, ready_configs
from mmps.registry import MODELS

from .leaves import READY

SHARED = Path(__file__).parents[2].parent / 'shared'
REID_SHAPES = {
    'head.fcs.0.fc.weight': (1024, 2048),
    'head.fcs.0.fc.bias': (1024,),
    'head.fcs.0.bn.weight': (1024,),
    'head.fcs.0.bn.bias': (1024,),
    'head.fcs.0.bn.running_mean': (1024,),
    'head.fcs.0.bn.running_var': (1024,),
    'head.fcs.0.bn.num_batches_tracked': (),
    'head.fc_out.weight': (128, 1024),
    'head.fc_out.bias': (128,),
    'head.bn.weight': (128,),
    'head.classifier.weight': (380, 128),
}
"""Of OpenMMLab's re-ID networks, beside a ResNet-50."""


def test_ready_configs_are_known_by_name():
    assert {*ready_configs().values()} == {*READY}
    text = (READY[0].parent / 'README.md').read_text(encoding='utf-8')
    assert all(path.stem in text for path in READY)


@pytest.mark.slow
def test_public_files_make_a_whole_model(tmp_path):
    """COCO's 80 classes give the person alone; the re-ID network is filled as a whole."""
    init_default_scope('mmdet')
    (path,) = [path for path in READY if 'faster-rcnn' in path.name]
    config = Config.fromfile(path)
    detector = config.model.detector.copy()
    detector.roi_head.bbox_head.num_classes = 80
    torch.save({'state_dict': MODELS.build(detector).state_dict()}, tmp_path / 'coco.pth')
    backbone = MODELS.build(config.model.reid.backbone).state_dict()
    weights = {f'backbone.{name}': value for name, value in backbone.items()}
    weights |= {name: torch.ones(shape) for name, shape in REID_SHAPES.items()}
    torch.save({'state_dict': weights}, tmp_path / 'reid.pth')
    inferencer = PersonSearchInferencer(
        path,
        tmp_path / 'coco.pth',
        'cpu',
        min_score=0.0,
        options={'model.reid.file': str(tmp_path / 'reid.pth')},
    )
    stages = inferencer.model.reid_branch.stages
    for name, value in stages.state_dict().items():
        torch.testing.assert_close(value, weights[name], check_dtype=False)
    (people,) = inferencer(np.zeros((60, 80, 3), np.uint8))
    assert people.embeddings.shape == (len(people), 128)
    assert inferencer.model.detector.roi_head.bbox_head.num_classes == 1


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore')
def test_a_public_pair_finds_a_person_in_another_image():
    files = {
        'weights': SHARED / 'weights' / 'yolox_nano_coco_mmdet.pth',
        'network': SHARED / 'weights' / 'openvino' / 'person-reidentification-retail-0287.xml',
        'images': SHARED / 'data' / 'real' / 'PETS09-S2L1' / 'img1',
    }
    missing = [str(path) for path in files.values() if not path.exists()]
    if missing:
        pytest.skip(f'{missing[0]} is not there')
    pytest.importorskip('openvino', reason="needs openvino: pip install 'mmps[openvino]'")
    inferencer = PersonSearchInferencer(
        'disjoint_yolox-nano_exported-reid',
        files['weights'],
        'cpu',
        options={'model.reid.file': str(files['network'])},
    )
    first, second = inferencer([str(files['images'] / f'{n:06}.jpg') for n in (1, 6)])
    similarities = first.embeddings @ second.embeddings.T
    # People walk a few pixels from one image to the next, so the nearest box is the same person.
    centres = [(p.boxes[:, :2] + p.boxes[:, 2:]) / 2 for p in (first, second)]
    near = np.linalg.norm(centres[0][:, None] - centres[1], axis=2)
    followed = near.min(axis=1) < 40
    assert followed.sum() >= 3
    assert (similarities.argmax(axis=1) == near.argmin(axis=1))[followed].mean() >= 0.75
