import pytest
import torch

from mmps.models.losses import BatchHardTripletLoss, CrossBatchTripletLoss
from mmps.models.losses.mining import pair_masks

BATCH_HARD = {'type': 'mmps.BatchHardTripletLoss', 'margin': 0.3}
SEMI_HARD = {'type': 'mmps.SemiHardTripletLoss', 'margin': 0.3}


def batches(count=4, rows=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    ids = [torch.arange(rows) // 2 + rows * b for b in range(count)]
    return [(torch.randn(rows, 4, generator=generator, dtype=torch.float64), i % 7) for i in ids]


def loops(anchors, anchor_ids, memory, memory_ids, margin):
    """Batch-hard with a memory behind the batch, anchor by anchor."""
    terms = []
    for a, (anchor, identity) in enumerate(zip(anchors, anchor_ids.tolist(), strict=True)):
        others = [(anchors[j], anchor_ids[j].item()) for j in range(len(anchors)) if j != a]
        others += list(zip(memory, memory_ids.tolist(), strict=True))
        positives = [(anchor - x).norm() for x, i in others if i == identity]
        negatives = [(anchor - x).norm() for x, i in others if i != identity]
        if positives and negatives:
            terms.append((max(positives) - min(negatives) + margin).clamp(min=0))
    return torch.stack(terms).mean()


def test_references_are_the_batch_and_what_came_before():
    loss = CrossBatchTripletLoss(BATCH_HARD, size=20)
    memory, memory_ids = torch.zeros(0, 4, dtype=torch.float64), torch.zeros(0, dtype=torch.long)
    for embeddings, ids in batches():
        ours, theirs = embeddings.clone().requires_grad_(), embeddings.clone().requires_grad_()
        value, expected = loss(ours, ids), loops(theirs, ids, memory, memory_ids, 0.3)
        torch.testing.assert_close(value, expected, atol=1e-9, rtol=0)
        value.backward()
        expected.backward()
        torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-9, rtol=0)
        memory, memory_ids = torch.cat([embeddings, memory])[:20], torch.cat([ids, memory_ids])[:20]


def test_the_first_batch_is_alone():
    embeddings, ids = batches(1)[0]
    assert torch.equal(
        CrossBatchTripletLoss(BATCH_HARD)(embeddings, ids), BatchHardTripletLoss()(embeddings, ids)
    )


@pytest.mark.parametrize('inner', [BATCH_HARD, SEMI_HARD])
def test_memory_gives_negatives_to_a_batch_of_one_identity(inner):
    loss = CrossBatchTripletLoss(inner)
    embeddings = torch.eye(3)
    assert loss(embeddings, torch.zeros(3, dtype=torch.long)).item() == 0
    other = torch.ones(3, dtype=torch.long)
    _, statistics = loss.with_statistics(embeddings + 0.01, other)
    assert 'negative_distance' in statistics


def test_memory_is_no_part_of_checkpoints():
    loss = CrossBatchTripletLoss(BATCH_HARD)
    loss(*batches(1)[0])
    assert not loss.state_dict()


def test_masks_with_memory():
    positive, negative = pair_masks(torch.tensor([0, 0, -1]), memory_ids=torch.tensor([0, 3, -1]))
    assert positive.int().tolist() == [[0, 1, 0, 1, 0, 0], [1, 0, 0, 1, 0, 0], [0] * 6]
    assert negative.int().tolist() == [[0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 1, 0], [0] * 6]
    _, negative = pair_masks(torch.tensor([0, 0, -1]), True, torch.tensor([0, 3, -1]))
    assert negative.int().tolist() == [[0, 0, 1, 0, 1, 1], [0, 0, 1, 0, 1, 1], [0] * 6]


def test_an_empty_queue_is_told():
    with pytest.raises(ValueError, match='size=0 must be at least 1'):
        CrossBatchTripletLoss(BATCH_HARD, size=0)


def test_a_reset_empties_the_queue():
    loss, fresh = CrossBatchTripletLoss(BATCH_HARD), CrossBatchTripletLoss(BATCH_HARD)
    first, second = batches(2)
    loss(*first)
    assert not torch.equal(loss(*second), fresh(*second))
    loss.reset()
    fresh.reset()
    assert torch.equal(loss(*second), fresh(*second))
