from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmps.evaluation import CUHKSYSUProtocol, GroundTruth, evaluate_predictions
from mmps.evaluation.baselines import (
    chance_metrics,
    colour_predictions,
    colour_stripes,
    random_embeddings,
    unit_rows,
)
from mmps.structures import DataError


def test_stripes_from_top_to_bottom():
    image = np.repeat(np.arange(24, dtype=np.uint8)[:, None, None] * 10, 8, axis=1)
    image = np.repeat(image, 3, axis=2)
    stripes = colour_stripes(image, np.array([[0, 0, 8, 24]])).reshape(12, 3)
    expected = (np.arange(12) * 20 + 5) / 255
    np.testing.assert_allclose(stripes, np.repeat(expected[:, None], 3, 1), atol=0.5 / 255)


def test_stripes_are_means_of_any_box():
    generator = np.random.default_rng(0)
    image = generator.integers(0, 256, (80, 60, 3), dtype=np.uint8)
    stripes = colour_stripes(image, np.array([[5.2, 7.8, 29.6, 68.4]]))[0].reshape(12, 3)
    crop = image[8:68, 5:30].reshape(12, 5, 25, 3)
    np.testing.assert_allclose(stripes * 255, crop.mean(axis=(1, 2)), atol=0.51)


def test_box_outside_the_image_has_no_colour():
    image = np.full((10, 10, 3), 255, np.uint8)
    stripes = colour_stripes(image, np.array([[20, 0, 30, 10], [-5, -5, 5, 5]]))
    assert not stripes[0].any()
    np.testing.assert_allclose(stripes[1], 1)


def test_no_boxes():
    assert colour_stripes(np.zeros((5, 5, 3), np.uint8), np.zeros((0, 4))).shape == (0, 36)


@pytest.fixture
def painted(scene):
    """Red person 0 and blue person 1, in two images each; found everywhere."""
    colours = {0: (40, 40, 200), 1: (200, 40, 40)}
    for image_id, people in ((1, [0, 1]), (2, [1, 0])):
        scene.image(image_id, people)
        image = np.full((80, 200, 3), 120, np.uint8)
        for slot, person in enumerate(people):
            x, y, width, height = (int(v) for v in scene.box(slot))
            image[y : y + height, x : x + width] = colours[person]
            scene.detect(image_id, slot, 0.0)
        cv2.imwrite(str(scene.directory / f'{image_id}.jpg'), image)
    scene.query(1, slot=0, person=0).query(1, slot=1, person=1)
    scene.rows.reverse()
    scene.galleries(100, [[(2, scene.box(1))], [(2, scene.box(0))]])
    return scene, GroundTruth.load(scene.annotation_file())


def test_colours_find_painted_people(painted):
    scene, ground_truth = painted
    steps = []
    predictions = colour_predictions(
        scene.predictions(), ground_truth, scene.directory, lambda *step: steps.append(step)
    )
    assert steps == [(1, 2), (2, 2)]
    report = evaluate_predictions(ground_truth, predictions, CUHKSYSUProtocol(), gt_boxes=True)
    assert report.metrics['g100/mAP'] == report.metrics['gt/g100/mAP'] == 1.0


def test_missing_and_broken_images(painted):
    scene, ground_truth = painted
    (scene.directory / '2.jpg').write_bytes(b'not a jpeg')
    with pytest.raises(DataError, match=r'2\.jpg is no readable image'):
        colour_predictions(scene.predictions(), ground_truth, scene.directory)
    (scene.directory / '1.jpg').unlink()
    with pytest.raises(DataError, match=r'1\.jpg cannot be read'):
        colour_predictions(scene.predictions(), ground_truth, scene.directory)


def test_random_embeddings_are_seeded_unit_vectors(painted):
    scene, ground_truth = painted
    first, again, other = (
        random_embeddings(scene.predictions(), ground_truth, seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.embeddings, again.embeddings)
    assert not np.array_equal(first.embeddings, other.embeddings)
    np.testing.assert_allclose(np.linalg.norm(first.query_embeddings, axis=1), 1, rtol=1e-6)
    assert first.gt_embeddings.shape == (4, 128)


def test_chance_is_the_mean_of_the_draws(painted):
    scene, ground_truth = painted
    metrics = chance_metrics(
        scene.predictions(), ground_truth, CUHKSYSUProtocol(), draws=200, seed=3
    )
    # one right box of two: places 1 and 2 are equally likely
    assert metrics['g100/mAP'] == pytest.approx(0.75, abs=0.05)
    assert metrics['gt/g100/top1'] == pytest.approx(0.5, abs=0.08)
    assert metrics['det/recall'] == 1.0


def test_rows_of_zeros_stay():
    assert not unit_rows(np.zeros((2, 3), dtype=np.float32)).any()
