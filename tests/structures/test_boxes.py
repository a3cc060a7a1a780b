import torch

from mmps.structures import mirrored


def test_mirroring_twice_is_nothing():
    boxes = torch.tensor([[10.0, 20, 30, 80], [0, 0, 50, 100]])
    once = mirrored(boxes, 100)
    assert once[0].tolist() == [70, 20, 90, 80]
    assert torch.equal(mirrored(once, 100), boxes)
