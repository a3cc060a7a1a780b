"""Losses of the compared systems beside NumPy versions of their formulas, in float64."""

import numpy as np
import pytest
import torch

from mmps.models.losses.base import compute, takes_part
from mmps.registry import MODELS
from mmps.structures import BACKGROUND, UNLABELLED
from mmps.testing import literal_losses as literal

L, D, BATCHES = 7, 3, 100
SIZES = {'num_ids': L, 'embedding_channels': D}
OIM = {'type': 'mmps.OIMLoss', 'queue_size': 5, **SIZES}
SAMPLED = {'type': 'mmps.RandomSamplingSoftmaxLoss', 'background': True, 'pool_size': 5}
HEP = {'type': 'mmps.HardExamplePriorityLoss', 'background': True, 'pool_size': 6}
CASES = {
    'OIM': (OIM, literal.LiteralOIM(L, D, 5, 30, 0.5)),
    'OIM of the paper': (OIM | {'scale': 10.0}, literal.LiteralOIM(L, D, 5, 10, 0.5)),
    'IOIM': (
        OIM | {'queue_scale': 10.0, 'momentum': 0.2},
        literal.LiteralOIM(L, D, 5, 30, 0.2, 10),
    ),
    'IEL': (
        OIM | {'type': 'mmps.InstanceEnhancingLoss', 'enhanced_weight': 0.3},
        literal.LiteralIEL(L, D, 5, 30, 0.5, min_similarity=0.7, enhanced_weight=0.3),
    ),
    'centre': (
        {'type': 'mmps.CenterLoss', 'rate': 0.4, **SIZES},
        literal.LiteralCenter(L, D, 0.4),
    ),
    'softmax': (
        {'type': 'mmps.IdentitySoftmaxLoss', 'label_smoothing': 0.1, **SIZES},
        literal.LiteralSoftmax(L, 0.1),
    ),
    'cosine softmax with background': (
        {'type': 'mmps.IdentitySoftmaxLoss', 'scale': 16.0, 'background': True, **SIZES},
        literal.LiteralSoftmax(L, scale=16, background=True),
    ),
    'random sampling': (
        SAMPLED | SIZES,
        literal.LiteralSoftmax(L, background=True).sampled(5),
    ),
    'HEP': (
        HEP | {'dictionary_size': 9, 'hardest': 2, **SIZES},
        literal.LiteralSoftmax(L, background=True).sampled(6, 2, 9),
    ),
    'OLP': (
        {'type': 'mmps.OnlinePairingLoss', 'dictionary_size': 9, 'embedding_channels': D},
        literal.LiteralOLP(9),
    ),
    'sharper OLP': (
        {'type': 'mmps.OnlinePairingLoss', 'dictionary_size': 9, 'embedding_channels': D,
         'scale': 4.0},
        literal.LiteralOLP(9, 4),
    ),
}  # fmt: skip


def batch(rng):
    """Up to 6 boxes: identities, some of them twice, people without one, background."""
    kinds = [*range(L), 0, 1, UNLABELLED, UNLABELLED, BACKGROUND]
    ids = rng.choice(kinds, rng.integers(1, 7))
    return rng.normal(size=(len(ids), D)) * rng.choice([0.3, 1.0, 3.0]), ids


@pytest.mark.parametrize('name', CASES)
def test_values_and_gradients_are_those_of_the_formula(name):
    """100 batches through one table: its state is compared by each value that follows."""
    config, reference = CASES[name]
    torch.manual_seed(0)
    loss, rng, sizes = MODELS.build(config).double(), np.random.default_rng(0), []
    weights = [p.detach().numpy() for p in loss.parameters()]
    for weight in weights:
        weight[:] = rng.normal(size=weight.shape)
    for _ in range(BATCHES):
        embeddings, ids = batch(rng)
        ours = torch.from_numpy(embeddings.copy()).requires_grad_()
        loss.zero_grad()
        value, _ = compute(loss, ours, torch.from_numpy(ids))
        value.backward()
        seen = takes_part(loss, torch.from_numpy(ids)).numpy()
        embeddings, ids = embeddings[seen], ids[seen]
        expected = reference.value(embeddings, ids, *weights)
        wanted = literal.gradient(lambda x, ids=ids: reference.value(x, ids, *weights), embeddings)
        assert value.item() == pytest.approx(expected.real, abs=1e-6)
        np.testing.assert_allclose(ours.grad[seen], wanted, atol=1e-6)
        for number, parameter in enumerate(loss.parameters()):

            def at(weight, number=number, data=(embeddings, ids)):
                changed = [*weights]
                changed[number] = weight
                return reference.value(*data, *changed)

            gradient = literal.gradient(at, weights[number])
            np.testing.assert_allclose(parameter.grad, gradient, atol=1e-6)
        reference.update(embeddings, ids)
        sizes.append(abs(expected))
    assert np.mean(np.array(sizes) > 1e-3) > 0.3
