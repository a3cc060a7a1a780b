import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmps.models.losses import BatchHardTripletLoss, SemiHardTripletLoss, TripletLoss, mining
from mmps.structures import ConfigError
from mmps.testing.reference_losses import _distance, _violation, batch_hard_loss, semi_hard_loss

DISTANCES = ['euclidean', 'squared_euclidean', 'cosine']
BATCHES = {
    'pairs': [0, 0, 1, 1, 2, 2],
    'unequal shots': [0, 0, 0, 1, 1, 2],
    'one shot': [0, 1, 2, 3],
    'one identity': [4, 4, 4],
    'some unlabelled': [0, 0, -1, 1, -1, 1, 2],
    'all unlabelled': [-1, -1, -1],
    'unlabelled by any negative id': [0, 0, -2, 1, -2, 1, -1],
    'large ids': [10**9, 10**9, 7, 7],
}


def random_embeddings(rows, dimensions=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, dimensions, generator=generator, dtype=torch.float64)


def value_and_gradient(loss, embeddings, person_ids):
    embeddings = embeddings.clone().requires_grad_()
    value = loss(embeddings, person_ids)
    value.backward()
    return value.detach(), embeddings.grad


@pytest.mark.parametrize('person_ids', BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize(
    ('loss_type', 'reference', 'margin'),
    [
        (BatchHardTripletLoss, batch_hard_loss, 0.3),
        (BatchHardTripletLoss, batch_hard_loss, 'soft'),
        (SemiHardTripletLoss, semi_hard_loss, 0.3),
        (SemiHardTripletLoss, semi_hard_loss, 2.0),
    ],
)
def test_agrees_with_loops(loss_type, reference, margin, person_ids):
    embeddings, ids = random_embeddings(len(person_ids)), torch.tensor(person_ids)
    for distance, unlabelled in itertools.product(DISTANCES, [False, True]):
        loss = loss_type(margin=margin, distance=distance, unlabelled_negatives=unlabelled)

        def loops(e, _, distance=distance, unlabelled=unlabelled):
            return reference(e, person_ids, margin, distance, unlabelled)

        value, gradient = value_and_gradient(loss, embeddings, ids)
        expected, expected_gradient = value_and_gradient(loops, embeddings, ids)
        torch.testing.assert_close(value, expected, atol=1e-9, rtol=0)
        torch.testing.assert_close(gradient, expected_gradient, atol=1e-9, rtol=0)


@settings(max_examples=60, deadline=None)
@given(
    person_ids=st.lists(st.integers(-1, 4), min_size=2, max_size=14),
    seed=st.integers(0, 10_000),
    margin=st.sampled_from([0.0, 0.3, 5.0]),
)
def test_agrees_with_loops_on_random_batches(person_ids, seed, margin):
    embeddings = random_embeddings(len(person_ids), seed=seed)
    ids = torch.tensor(person_ids)
    for loss, reference in (
        (BatchHardTripletLoss(margin), batch_hard_loss),
        (SemiHardTripletLoss(margin), semi_hard_loss),
    ):
        expected = reference(embeddings, person_ids, margin, 'euclidean')
        torch.testing.assert_close(loss(embeddings, ids), expected, atol=1e-9, rtol=0)


def test_semi_hard_takes_the_nearest_negative_beyond_the_positive():
    # On a line: anchor 0, positive at 2, negatives at 1 (closer), 3 and 9 (farther).
    embeddings = torch.tensor([[0.0], [2.0], [1.0], [3.0], [9.0]], dtype=torch.float64)
    person_ids = torch.tensor([0, 0, 1, 2, 3])
    # Anchor 0: 2 against 3. Anchor 2: positive at 2, negatives at 1, 1 and 7: 2 against 7.
    loss = SemiHardTripletLoss(margin=2.0)(embeddings, person_ids)
    assert loss.item() == pytest.approx(((2 - 3 + 2) + 0) / 2)


def test_semi_hard_falls_back_to_the_farthest_negative():
    embeddings = torch.tensor([[0.0], [9.0], [1.0], [4.0]], dtype=torch.float64)
    loss, statistics = SemiHardTripletLoss(margin=1.0).with_statistics(
        embeddings, torch.tensor([0, 0, 1, 2])
    )
    # Anchor 0: negatives at 1 and 4, both nearer than 9. Anchor 9: negatives at 8 and 5.
    assert loss.item() == pytest.approx(((9 - 4 + 1) + (9 - 8 + 1)) / 2)
    assert statistics['negative_distance'].item() == pytest.approx((4 + 8) / 2)


def test_batch_hard_of_points_on_a_line():
    embeddings = torch.tensor([[0.0], [1.0], [5.0], [7.0]], dtype=torch.float64)
    loss, statistics = BatchHardTripletLoss(margin=3.5).with_statistics(
        embeddings, torch.tensor([0, 0, 1, 1])
    )
    # Positive and nearest negative: (1, 5), (1, 4), (2, 4), (2, 6).
    assert loss.item() == pytest.approx((0 + 0.5 + 1.5 + 0) / 4)
    assert statistics['active_triplets'].item() == pytest.approx(0.5)
    assert statistics['positive_distance'].item() == pytest.approx(1.5)
    assert statistics['negative_distance'].item() == pytest.approx(4.75)


@pytest.mark.parametrize('loss_type', [BatchHardTripletLoss, SemiHardTripletLoss])
@pytest.mark.parametrize('person_ids', [[0, 1, 2], [5, 5], [-1, -1, 3]])
def test_a_batch_without_triplets_gives_exactly_zero_with_a_graph(loss_type, person_ids):
    embeddings = random_embeddings(len(person_ids)).requires_grad_()
    loss = loss_type()(embeddings, torch.tensor(person_ids))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(embeddings.grad, torch.zeros_like(embeddings))


@pytest.mark.parametrize('loss_type', [BatchHardTripletLoss, SemiHardTripletLoss])
def test_gradients_are_finite_for_equal_embeddings_in_any_precision(loss_type):
    precisions = (torch.float16, torch.bfloat16, torch.float32)
    for distance, dtype in itertools.product(DISTANCES, precisions):
        embeddings = torch.ones(6, 8, dtype=dtype).requires_grad_()
        loss = loss_type(distance=distance)(embeddings, torch.tensor([0, 0, 1, 1, 2, 2]))
        loss.backward()
        assert loss.item() == pytest.approx(0.3, abs=1e-6)
        assert torch.isfinite(embeddings.grad).all()


@pytest.mark.parametrize('loss_type', [BatchHardTripletLoss, SemiHardTripletLoss])
def test_autocast_changes_nothing(loss_type):
    embeddings = random_embeddings(16).float()
    ids = torch.arange(16) // 4
    expected = loss_type(distance='cosine')(embeddings, ids)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        inside = loss_type(distance='cosine')(embeddings, ids)
    assert torch.equal(inside, expected)


def test_batch_hard_agrees_with_pytorch_metric_learning():
    pml = pytest.importorskip('pytorch_metric_learning', reason='test extra is not installed')
    from pytorch_metric_learning import distances, losses, miners, reducers

    assert pml
    embeddings = random_embeddings(32, 16)
    ids = torch.arange(32) // 4
    euclidean = distances.LpDistance(normalize_embeddings=False)
    triplets = miners.BatchHardMiner(distance=euclidean)(embeddings, ids)
    reference = losses.TripletMarginLoss(
        margin=0.3, distance=euclidean, reducer=reducers.MeanReducer()
    )(embeddings, ids, triplets)
    torch.testing.assert_close(
        BatchHardTripletLoss(0.3)(embeddings, ids), reference, atol=1e-6, rtol=0
    )


def test_loss_weight_scales():
    embeddings, ids = random_embeddings(8), torch.arange(8) // 2
    once, thrice = (BatchHardTripletLoss(5.0, loss_weight=w)(embeddings, ids) for w in (1, 3))
    torch.testing.assert_close(thrice, 3 * once)


def test_wrong_shapes_and_settings_are_told():
    with pytest.raises(ValueError, match=r'embeddings \(B, D\) and person_ids \(B,\)'):
        BatchHardTripletLoss()(torch.zeros(3, 2), torch.zeros(4))
    with pytest.raises(ValueError, match="margin='hard' must be a number or 'soft'"):
        BatchHardTripletLoss(margin='hard')
    with pytest.raises(ValueError, match='needs a numeric margin'):
        SemiHardTripletLoss(margin='soft')
    with pytest.raises(ValueError, match="distance='manhattan' is unknown; choose one of euclid"):
        SemiHardTripletLoss(distance='manhattan')


@pytest.mark.parametrize('distance', DISTANCES)
@pytest.mark.parametrize('margin', [0.3, 'soft'])
def test_every_triplet_is_learned_from_where_asked_for(margin, distance):
    ids, embeddings = [0, 0, 1, 1, 0, -1, 2], random_embeddings(7)
    terms = []
    for a, p, n in itertools.permutations(range(7), 3):
        if ids[a] == ids[p] != ids[n] and min(ids[a], ids[n]) >= 0:
            far, near = (_distance(embeddings[a], embeddings[i], distance) for i in (p, n))
            terms.append(_violation(far - near, margin))
    loss = TripletLoss(margin, distance=distance, miner='batch_all')
    expected = torch.stack(terms).mean()
    torch.testing.assert_close(loss(embeddings, torch.tensor(ids)), expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize('margin', [0.3, 'soft'])
@pytest.mark.parametrize('miner', ['batch_hard', 'semi_hard', f'{mining.__name__}.semi_hard'])
def test_any_miner_goes_with_any_margin(miner, margin):
    reference = batch_hard_loss if miner == 'batch_hard' else semi_hard_loss
    ids, embeddings = [0, 0, 1, 1, 0, -1, 2], random_embeddings(7)
    loss = TripletLoss(margin, miner=miner)
    expected = reference(embeddings, ids, margin, 'euclidean')
    torch.testing.assert_close(loss(embeddings, torch.tensor(ids)), expected, atol=1e-9, rtol=0)


def test_an_unknown_miner_is_told():
    for miner in ('hardest', 'mmps.models.losses.mining.nothing'):
        with pytest.raises(ConfigError, match=f'miner=.{miner}. is unknown; choose one of batch_h'):
            TripletLoss(miner=miner)
