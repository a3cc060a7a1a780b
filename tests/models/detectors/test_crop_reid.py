"""The head without a detector: the model, its config and the README's example."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmps.registry import MODELS
from mmps.testing.builders import packed_batch, people
from mmps.testing.reference_losses import batch_hard_loss

FOLDER = Path(__file__).parents[3] / 'configs' / 'reid_head'


def build():
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(FOLDER / 'crop-reid_r18_synthetic.py').model)
    model.init_weights()
    return model


def test_a_training_step_reaches_everything():
    model = build().train()
    inputs, samples = packed_batch(images=3)
    losses = model(inputs, samples, mode='loss')
    assert losses['loss_triplet'] > 0
    losses['loss_triplet'].backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize(('wanted', 'ids'), [(False, [4, 4, 7]), (True, [4, -1, 4, 7])])
def test_people_of_unknown_identity_are_negatives_where_the_loss_says_so(wanted, ids):
    model = build().eval()
    model.head.set_loss({'type': 'mmps.BatchHardTripletLoss', 'unlabelled_negatives': wanted})
    inputs, samples = packed_batch()
    for sample, known in zip(samples, ([4, -2], [4, 7]), strict=True):
        sample.gt_instances.person_ids = torch.tensor(known)
    embeddings = model.head(model(inputs, samples, mode='tensor'))
    expected = batch_hard_loss(embeddings, ids, 0.3, 'euclidean', wanted)
    found = model(inputs, samples, mode='loss')['loss_triplet']
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


def test_everybody_annotated_gets_an_embedding():
    model = build().eval()
    inputs, samples = packed_batch(images=2, scale_factor=(0.5, 0.5))
    samples[1].gt_instances = people([])
    with torch.no_grad():
        found = model(inputs, samples, mode='predict')
        nobody = model(inputs, [s.clone() for s in packed_batch(boxes=[])[1]], mode='predict')
    for sample in found:
        for field in ('gt_instances', 'query_instances'):
            embeddings = sample.get(field).embeddings
            assert embeddings.shape == (len(sample.get(field)), 128)
            torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(len(embeddings)))
    assert nobody[0].gt_instances.embeddings.shape == (0, 128)


def test_the_readmes_example_learns():
    text = (FOLDER / 'README.md').read_text(encoding='utf-8')
    (code,) = re.findall(r'```python\n(.*?)```', text, re.S)
    names = {'__name__': 'example'}
    exec(code, names)
    model, crops, ids = names['model'], torch.rand(6, 3, 16, 8), torch.arange(6) // 2
    losses = model(crops, ids, mode='loss')
    losses['loss_triplet'].backward()
    assert model.body[0].weight.grad.abs().sum() > 0
    assert model(crops).shape == (6, 4)
