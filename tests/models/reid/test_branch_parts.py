import pytest
import torch
from mmengine.registry import init_default_scope

from mmps.models.reid import AveragePool, BNNeck, GeMPool, ReplicatedStages, TripletReIDHead

RESNET = {'type': 'ResNet', 'depth': 18, 'base_channels': 8, 'norm_eval': True, 'frozen_stages': 2}


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmdet')


def test_average_and_generalised_mean():
    maps = torch.rand(2, 3, 4, 2) + 0.1
    torch.testing.assert_close(AveragePool()(maps), maps.flatten(2).mean(2))
    torch.testing.assert_close(GeMPool(p=1.0)(maps), maps.flatten(2).mean(2))
    torch.testing.assert_close(GeMPool(p=200.0)(maps), maps.flatten(2).amax(2), rtol=0.02, atol=0)
    expected = (maps.flatten(2) ** 3).mean(2) ** (1 / 3)
    torch.testing.assert_close(GeMPool()(maps), expected)
    GeMPool()(maps).sum().backward()


@pytest.mark.parametrize(('shared', 'layers'), [(2, 3), (3, 2), (4, 1)])
def test_replicated_stages_are_trained_whatever_the_backbone_freezes(shared, layers):
    stages = ReplicatedStages(RESNET, shared)
    assert len(stages.stages) == layers
    stages.train()
    assert all(p.requires_grad for p in stages.parameters())
    assert all(m.training for m in stages.modules())
    assert stages.out_channels == 64


def test_last_stride_of_one_keeps_twice_the_resolution():
    maps = torch.rand(2, 32, 8, 4)
    assert ReplicatedStages(RESNET, 4)(maps).shape == (2, 64, 4, 2)
    assert ReplicatedStages(RESNET, 4, last_stride=1)(maps).shape == (2, 64, 8, 4)


def test_embeddings_have_unit_length_in_float32_unless_told_otherwise():
    features = torch.randn(5, 12)
    embeddings = TripletReIDHead(12, 6)(features)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(5))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert TripletReIDHead(12, 6)(features).dtype == torch.float32
    assert not torch.allclose(
        TripletReIDHead(12, 6, normalize=False)(features).norm(), torch.ones(())
    )


def test_what_is_logged():
    torch.manual_seed(0)
    head = TripletReIDHead(12, 6)
    logged = head.loss(torch.randn(8, 12), torch.arange(8) // 2)
    assert logged.keys() == {
        'loss_triplet', 'active_triplets', 'positive_distance', 'negative_distance',
        'embedding_norm', 'embedding_spread',
    }  # fmt: skip
    assert [key for key in logged if 'loss' in key] == ['loss_triplet']
    assert logged['loss_triplet'].requires_grad
    assert not any(v.requires_grad for k, v in logged.items() if k != 'loss_triplet')


def test_collapse_is_warned_of_once(mm_log):
    head = TripletReIDHead(12, 6)
    same = torch.ones(8, 12)
    for _ in range(3):
        head.loss(same, torch.arange(8) // 2)
    assert mm_log.text.count('training has collapsed') == 1
    head.loss(torch.randn(8, 12), torch.arange(8) // 2)
    head.loss(same, torch.arange(8) // 2)
    assert mm_log.text.count('training has collapsed') == 2


def test_the_loss_can_be_exchanged():
    head = TripletReIDHead(12, 6)
    head.set_loss({'type': 'mmps.SemiHardTripletLoss', 'margin': 0.7})
    assert head.triplet_loss.margin == 0.7
    assert type(head.triplet_loss).__name__ == 'SemiHardTripletLoss'


def test_a_single_person_passes_the_neck_by_its_running_statistics():
    neck = BNNeck(6)
    neck(3 * torch.randn(50, 6) + 1)
    one = torch.randn(1, 6)
    kept = neck.running_mean.clone()
    expected = (one - kept) / (neck.running_var + neck.eps).sqrt()
    torch.testing.assert_close(neck.train()(one), expected)
    torch.testing.assert_close(neck.eval()(one), expected)
    assert torch.equal(neck.running_mean, kept)
    neck.train()(one).sum().backward()
    assert neck.weight.grad is not None
