import torch

from mmps.features.views import Views

BOXES = torch.tensor([[10.0, 20, 30, 80], [0, 0, 50, 100]])


def test_the_box_itself_comes_first_and_jitter_is_its_own_seed():
    views = Views(jitters=3)
    boxes = views.displaced(BOXES, torch.tensor([5, 9]))
    assert boxes.shape == (2, 4, 4)
    assert torch.equal(boxes[:, 0], BOXES)
    again = views.displaced(BOXES[1:], torch.tensor([9]))
    assert torch.equal(boxes[1:], again)
    assert not torch.equal(boxes[0, 1], boxes[0, 2])


def test_jitter_scales_with_the_box():
    many = Views(jitters=4000, jitter_scale=0.1).displaced(BOXES[1:], torch.tensor([0]))[0, 1:]
    spread = (many - BOXES[1]).std(0)
    torch.testing.assert_close(spread, torch.tensor([5.0, 10, 5, 10]), rtol=0.1, atol=0)


def test_number_of_views():
    assert [len(Views()), len(Views(True)), len(Views(True, 2))] == [1, 2, 6]
