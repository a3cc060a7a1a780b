import pytest
import torch
from mmdet.structures import DetDataSample

from mmps.structures import ConfigError
from mmps.structures.originals import ORIGINAL_IMAGE, drop_originals, original_image


def test_a_sample_carries_an_image_and_lets_go_of_it():
    image = torch.zeros(3, 4, 5, dtype=torch.uint8)
    sample = DetDataSample(metainfo={'img_path': 'street.jpg'})
    sample.set_field(image, ORIGINAL_IMAGE)
    assert original_image(sample.to('cpu')) is not None
    assert original_image(sample) is image
    drop_originals([sample, DetDataSample()])
    with pytest.raises(ConfigError, match=r'image of street\.jpg .* add .*KeepOriginalImage'):
        original_image(sample)
