import torch
from mmengine.registry import init_default_scope

from mmps.models import SearchDataPreprocessor


def preprocessor():
    init_default_scope('mmdet')
    return SearchDataPreprocessor(
        {'type': 'DetDataPreprocessor', 'mean': [1.0] * 3, 'std': [2.0] * 3, 'pad_size_divisor': 8}
    )


def test_pooled_features_pass_and_images_are_normalised_and_padded():
    prepared = preprocessor()(
        {'pooled': torch.ones(2, 3, 4, 2), 'person_ids': torch.tensor([1, 2])}, True
    )
    assert prepared['pooled'].shape == (2, 3, 4, 2)
    images = preprocessor()({'inputs': [torch.full((3, 5, 9), 5.0)], 'data_samples': None}, True)
    assert images['inputs'].shape == (1, 3, 8, 16)
    assert images['inputs'][0, 0, 0, 0] == 2


def test_the_inner_preprocessor_follows_to_another_device():
    moved = preprocessor().to('meta')
    assert moved.images.device == moved.device == torch.device('meta')
    assert preprocessor().cpu().images.device == torch.device('cpu')
