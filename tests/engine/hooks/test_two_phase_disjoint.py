"""The baseline from beginning to end: its cache holds crops of the original images."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from mmps.apis import running
from mmps.features import CachedPeople, FeatureCache, pooled_shards
from mmps.registry import MODELS
from mmps.structures import ConfigError
from mmps.testing.runs import disjoint_run, train

WITHOUT = [
    {'type': 'mmps.LoadScene'},
    {'type': 'Resize', 'scale': (160, 128), 'keep_ratio': False},
    {'type': 'mmps.LoadPeople'},
    {'type': 'mmps.PackPersonSearchInputs'},
]


def labelled_people(people):
    for index in people.images:
        info = people.dataset.get_data_info(index)
        for person in info['instances']:
            if person['person_id'] >= 0:
                yield info['img_path'], person['bbox']


def test_the_cache_holds_crops_of_the_original_images(drawn_once, tmp_path):
    init_default_scope('mmdet')
    config = disjoint_run(drawn_once, tmp_path, cached_people__mirror=True)
    people, model = CachedPeople(**config.cached_people), MODELS.build(config.model)
    described = (model.feature_fingerprint(), model.pooled_shape, 'uint8')
    cache = FeatureCache(tmp_path, people, *described)
    cache.fill(lambda shards: pooled_shards(model, people, shards))
    rows = np.concatenate(cache.open())
    assert rows.shape == (len(people), 2, 3, 32, 16)
    for (path, box), (plain, mirrored) in zip(labelled_people(people), rows, strict=True):
        scene = Image.fromarray(cv2.imread(path))
        crop = scene.crop([round(x) for x in box]).resize((16, 32), Image.BILINEAR)
        crop = np.array(crop).transpose(2, 0, 1).astype(int)
        assert abs(plain - crop).max() <= 1
        assert abs(mirrored[..., ::-1] - crop).max() <= 1


@pytest.mark.slow
def test_a_run_trains_and_is_tested(drawn_once, tmp_path):
    train(disjoint_run(drawn_once, tmp_path))
    assert list(tmp_path.glob('feature_cache/*/shard_00000.npy'))
    first, last = (torch.load(tmp_path / f'epoch_{n}.pth')['state_dict'] for n in (2, 5))
    changed = {name.split('.')[0] for name in first if not torch.equal(first[name], last[name])}
    assert changed == {'reid_branch'}
    config = disjoint_run(drawn_once, tmp_path / 'test', launcher='none')
    metrics = running.evaluate_checkpoint(config, tmp_path / 'epoch_5.pth')
    assert 0 < metrics['gt/mAP'] <= 1


@pytest.mark.parametrize('loader', ['cached_people', 'val_dataloader'])
def test_a_pipeline_without_original_images_is_refused_before_training(
    drawn_once, tmp_path, loader
):
    config = disjoint_run(drawn_once, tmp_path)
    config[loader].dataset.pipeline = WITHOUT
    with pytest.raises(ConfigError, match=rf'{loader}.dataset.pipeline .* add .*KeepOriginalImage'):
        train(config)
    assert not list(tmp_path.glob('epoch_*.pth'))
