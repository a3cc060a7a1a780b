import shutil

import pytest
import torch
from mmengine.registry import init_default_scope

from mmps.apis.embed_images import embed_images, list_pictures, load_model
from mmps.registry import MODELS
from mmps.structures import DataError
from mmps.testing.runs import disjoint_run, tiny_run


@pytest.fixture
def pictures(drawn_set, tmp_path):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    for path in sorted((drawn_set / 'Image' / 'SSM').iterdir())[:3]:
        shutil.copy(path, folder)
    (folder / 'notes.txt').write_text('no picture')
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


def test_each_picture_gets_its_people_whatever_the_batch(model, pictures):
    paths = list_pictures(pictures)
    assert len(paths) == 3
    alone = list(embed_images(model, paths, batch_size=1))
    together = list(embed_images(model, paths, batch_size=2))
    for one, other, path in zip(alone, together, paths, strict=True):
        assert one.path == other.path == path
        assert one.embeddings.shape == (len(one.boxes), 8)
        assert len(one.boxes) == len(one.scores) > 0
        assert abs(one.scores - other.scores).max() < 1e-5
        assert abs(one.embeddings - other.embeddings).max() < 1e-4


def test_pictures_of_all_formats_are_listed(tmp_path):
    for name in ('b.TIFF', 'a.avif', 'notes.txt', 'film.mp4'):
        (tmp_path / name).touch()
    assert [path.name for path in list_pictures(tmp_path)] == ['a.avif', 'b.TIFF']


def test_wrong_folders_and_pictures_are_told(model, pictures, tmp_path):
    with pytest.raises(DataError, match='is no folder; give one that holds pictures'):
        list_pictures(tmp_path / 'nowhere')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DataError, match=r'empty holds no picture \(.*\.jpg'):
        list_pictures(tmp_path / 'empty')
    paths = list_pictures(pictures)
    paths[1].write_bytes(b'broken')
    with pytest.raises(DataError, match=f'{paths[1].name} is no readable image'):
        list(embed_images(model, paths))
