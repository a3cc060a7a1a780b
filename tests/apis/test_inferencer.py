from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from mmps.apis.inferencer import PersonSearchInferencer
from mmps.gallery import open_gallery
from mmps.gallery.indexing import Settings, index
from mmps.registry import MODELS
from mmps.structures import ConfigError, DataError
from mmps.testing.runs import disjoint_run, tiny_run


@pytest.fixture(scope='module', params=[tiny_run, disjoint_run], ids=['shared', 'disjoint'])
def inferencer(request, drawn_once, tmp_path_factory):
    folder = tmp_path_factory.mktemp('inferencer')
    init_default_scope('mmdet')
    config = request.param(drawn_once, folder)
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    model.init_weights()
    meta = {'cfg': config.pretty_text}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, folder / 'model.pth')
    return PersonSearchInferencer(folder / 'model.pth', device='cpu', min_score=0.0)


@pytest.fixture
def paths(drawn_once, tmp_path):
    (tmp_path / 'images').mkdir()
    for path in sorted((drawn_once / 'Image' / 'SSM').iterdir())[:3]:
        shutil.copy(path, tmp_path / 'images')
    return [str(path) for path in sorted((tmp_path / 'images').iterdir())]


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-2)
        np.testing.assert_allclose(one.embeddings, other.embeddings, atol=1e-4)


def test_paths_arrays_images_folders_and_patterns_are_one(inferencer, paths, tmp_path):
    found = inferencer(paths)
    assert [str(people.path) for people in found] == paths
    assert all(len(people) for people in found)
    arrays = [cv2.imread(path) for path in paths]
    assert_same(inferencer(arrays, batch_size=2), found)
    assert_same(inferencer([Image.fromarray(image[..., ::-1]) for image in arrays]), found)
    assert_same(inferencer(str(tmp_path / 'images')), found)
    assert_same(inferencer(f'{tmp_path}/images/*.jpg'), found)
    assert inferencer(arrays[0])[0].path is None


def test_frames_of_videos_come_with_number_and_time(inferencer, paths, tmp_path):
    frames = [cv2.resize(cv2.imread(path), (320, 256)) for path in paths]
    code = cv2.VideoWriter_fourcc(*'MJPG')
    writer = cv2.VideoWriter(str(tmp_path / 'a.avi'), code, 2, (320, 256))
    for frame in frames:
        writer.write(frame)
    writer.release()
    found = inferencer(str(tmp_path / 'a.avi'), every=0.5)
    assert [(people.frame, people.time) for people in found] == [(0, 0.0), (1, 0.5), (2, 1.0)]


def test_people_are_embedded_in_given_boxes_without_detecting(inferencer, paths, monkeypatch):
    (people,) = inferencer(paths[0])
    monkeypatch.setattr(inferencer.model.detector, 'predict', None)
    found = inferencer.embed(paths[0], people.boxes)
    np.testing.assert_allclose(found, people.embeddings, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert inferencer.embed(paths[0]).shape == (1, people.embeddings.shape[1])
    for box in ([9, 9, 2, 20], [5000, 5000, 5010, 5010], [0, 0, np.nan, 5]):
        with pytest.raises(DataError, match='x1 y1 x2 y2'):
            inferencer.embed(paths[0], [box])


def test_people_are_dropped_before_they_are_embedded(inferencer, paths):
    (everybody,) = inferencer(paths[0])
    limit = float(np.median(everybody.scores))
    try:
        inferencer.model.min_score = limit
        (some,) = inferencer(paths[0])
    finally:
        inferencer.model.min_score = 0.0
    np.testing.assert_array_equal(some.scores, everybody.scores[everybody.scores >= limit])


def test_a_gallery_is_searched_by_images(inferencer, paths, tmp_path):
    model = inferencer.gallery_model()
    with open_gallery(tmp_path / 'a.mmps', model=model, mode='w') as gallery:
        index(gallery, inferencer.find, paths, Settings(min_score=0.0))
        (people,) = inferencer(paths[1])
        hits = inferencer.search(paths[1], gallery, top=3, box=people.boxes[0])
        assert hits.rows.source[0] == paths[1]
        assert hits.similarities[0] > 0.999
        best = inferencer.search(paths[1:], gallery, top=3)
        assert len(best) == 3


def test_the_fingerprint_is_of_the_content(inferencer):
    first = inferencer.gallery_model()
    assert first == inferencer.gallery_model()
    parameter = next(inferencer.model.reid_branch.parameters())
    with torch.no_grad():
        parameter += 1
        changed = inferencer.gallery_model()
        parameter -= 1
    assert changed.fingerprint != first.fingerprint
    assert first.dimension == 8


@pytest.mark.parametrize(
    'image', [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)
def test_arrays_of_another_form_are_refused(inferencer, image):
    with pytest.raises(DataError, match='expected'):
        inferencer(image)


def test_models_that_are_none_are_refused(tmp_path):
    with pytest.raises(ConfigError, match='neither a file nor'):
        PersonSearchInferencer('nothing')
    with pytest.raises(ConfigError, match='has no weights'):
        PersonSearchInferencer('disjoint_yolox-nano_exported-reid')
