import pytest

from mmps.structures import ConfigError
from mmps.testing.builders import packed_batch, tiny_searcher


def test_mirrored_images_are_refused_where_people_are_embedded():
    model = tiny_searcher(3).eval()
    inputs, samples = packed_batch()
    samples[1].set_metainfo({'flip': True})
    with pytest.raises(ConfigError, match=r'mirrors images .*--tta'):
        model.predict(inputs, samples)
    model.set_phase('detection')
    assert model.predict(inputs, samples)
