import shutil

import pytest
import torch
from mmengine.registry import init_default_scope

from mmps.apis import find_people, list_images, load_model
from mmps.registry import MODELS
from mmps.structures import ConfigError, DataError
from mmps.testing.runs import disjoint_run, tiny_run


@pytest.fixture
def images(drawn_set, tmp_path):
    folder = tmp_path / 'images'
    folder.mkdir()
    for path in sorted((drawn_set / 'Image' / 'SSM').iterdir())[:3]:
        shutil.copy(path, folder)
    (folder / 'notes.txt').write_text('no image')
    return folder


@pytest.fixture(params=[tiny_run, disjoint_run], ids=['shared', 'disjoint'])
def model(request, drawn_set, tmp_path):
    init_default_scope('mmdet')
    config = request.param(drawn_set, tmp_path)
    torch.manual_seed(0)
    searcher = MODELS.build(config.model)
    searcher.init_weights()
    torch.save({'state_dict': searcher.state_dict()}, tmp_path / 'model.pth')
    return load_model(config, tmp_path / 'model.pth', device='cpu')


def test_each_image_gets_its_people_whatever_the_batch(model, images):
    paths = list_images(images)
    assert len(paths) == 3
    alone = find_people(model, paths, batch_size=1)
    together = find_people(model, paths, batch_size=2)
    for one, other, path in zip(alone, together, paths, strict=True):
        assert one.path == other.path == path
        assert one.embeddings.shape == (len(one.boxes), 8)
        assert len(one.boxes) == len(one.scores) > 0
        assert abs(one.scores - other.scores).max() < 1e-5
        assert abs(one.embeddings - other.embeddings).max() < 1e-4


def test_images_of_all_formats_are_listed(tmp_path):
    for name in ('b.TIFF', 'a.avif', 'notes.txt', 'film.mp4'):
        (tmp_path / name).touch()
    assert [path.name for path in list_images(tmp_path)] == ['a.avif', 'b.TIFF']


def test_wrong_folders_and_images_are_named(model, images, tmp_path):
    with pytest.raises(DataError, match='is no folder'):
        list_images(tmp_path / 'nowhere')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DataError, match=r'empty holds no image \(.*\.jpg'):
        list_images(tmp_path / 'empty')
    paths = list_images(images)
    paths[1].write_bytes(b'broken')
    with pytest.raises(DataError, match=f'{paths[1].name} is no readable image'):
        find_people(model, paths)


def test_a_checkpoint_with_its_config_is_enough(drawn_set, tmp_path, images):
    config = tiny_run(drawn_set, tmp_path)
    torch.manual_seed(0)
    init_default_scope('mmdet')
    searcher = MODELS.build(config.model)
    content = {'state_dict': searcher.state_dict(), 'meta': {'cfg': config.pretty_text}}
    torch.save(content, tmp_path / 'with_config.pth')
    (path, *_) = list_images(images)
    (alone,) = find_people(load_model(tmp_path / 'with_config.pth', device='cpu'), path)
    config.dump(tmp_path / 'config.py')
    model = load_model(tmp_path / 'config.py', tmp_path / 'with_config.pth', device='cpu')
    (both,) = find_people(model, [str(path)])
    assert len(alone) > 0
    assert (alone.embeddings == both.embeddings).all()
    with pytest.raises(ConfigError, match='a config has no weights'):
        load_model(config)
    config.model = config.model.detector
    with pytest.raises(ConfigError, match='RetinaNet has no re-ID branch'):
        load_model(config, tmp_path / 'with_config.pth', device='cpu')
