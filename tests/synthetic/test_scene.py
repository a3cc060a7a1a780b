from __future__ import annotations

import numpy as np
import pytest

from mmps.structures import UNLABELLED
from mmps.synthetic.appearance import Pose, sample_look
from mmps.synthetic.camera import Camera, sample_camera
from mmps.synthetic.domains import DOMAINS
from mmps.synthetic.props import crate, pillar
from mmps.synthetic.randomness import generator
from mmps.synthetic.scene import (
    MIN_VISIBLE,
    Actor,
    Placement,
    Stage,
    draw_scene,
    draw_stage,
)

SIZE = (240, 180)
FRONT = Pose('front', mirrored=False, phase=0.0, lean=0.0)


def a_look(seed=0):
    return sample_look(DOMAINS['a'].palette, np.random.default_rng(seed))


def actor(x, foot, height, identity=0, occluder=None):
    return Actor(identity, a_look(identity), FRONT, Placement(x, foot, height), occluder)


def stage_of(*actors):
    scenery = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    return draw_stage(scenery, list(actors), [], DOMAINS['a'], np.random.default_rng(0))


def random_scene(domain='a', index=0):
    domain = DOMAINS[domain]
    looks = {k: sample_look(domain.palette, generator(1, 'identity', k)) for k in range(3)}
    camera = sample_camera(generator(1, 'camera', 0))
    return draw_scene(looks, 2, SIZE, domain, camera, generator(1, 'scene', index))


def test_a_box_is_the_extent_of_the_figure():
    with_person, people = stage_of(actor(120, 170, 100))
    empty, _ = stage_of()
    x, y, w, h = people[0].box
    changed = (with_person != empty).any(axis=2)
    changed[166:] = False  # the shadow
    rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
    assert (x, y) == pytest.approx((columns[0], rows[0]), abs=2)
    assert w == pytest.approx(np.ptp(columns) + 1, abs=4)
    assert h == pytest.approx(100, rel=0.06)
    assert people[0].visible == pytest.approx(1)


def test_a_person_half_outside_keeps_the_whole_box():
    _, people = stage_of(actor(0, 170, 100))
    assert people[0].box[0] < -5
    assert 0.35 < people[0].visible < 0.65


def test_a_person_wholly_outside_is_invisible():
    _, people = stage_of(actor(-200, 170, 100))
    assert people[0].visible == 0


def test_the_nearer_person_hides_the_farther_one():
    _, (far, near) = stage_of(actor(120, 175, 120, identity=1), actor(122, 140, 60, identity=0))
    assert (far.identity, near.identity) == (0, 1)
    assert near.visible == pytest.approx(1)
    assert far.visible < 0.5


def test_an_occluder_hides_legs_and_is_told():
    _, people = stage_of(actor(120, 160, 100, occluder=crate))
    assert people[0].occluded
    assert 0.3 < people[0].visible < 0.95


def test_a_thing_in_front_takes_pixels():
    rng = np.random.default_rng(0)
    stage = Stage(np.full((SIZE[1], SIZE[0], 3), 128, np.uint8), DOMAINS['a'], rng)
    stage.add_person(actor(120, 150, 100))
    before = stage.visible(0)
    stage.add_prop(pillar, Placement(120, 160, 110))
    assert stage.visible(0) < before


@pytest.mark.parametrize('index', range(6))
def test_random_scenes_annotate_whoever_is_visible(index):
    image, people = random_scene(index=index)
    assert image.shape == (SIZE[1], SIZE[0], 3)
    assert image.dtype == np.uint8
    labelled = [p.identity for p in people if p.identity != UNLABELLED]
    assert len(set(labelled)) == len(labelled)
    assert set(labelled) <= {0, 1, 2}
    for person in people:
        assert person.visible >= MIN_VISIBLE
        assert 0.12 * SIZE[1] < person.box[3] < 0.65 * SIZE[1]


def test_scenes_are_reproducible_and_differ():
    first, again, other = random_scene()[0], random_scene()[0], random_scene(index=1)[0]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_domains_are_visibly_different():
    a, b = (
        np.mean([random_scene(domain, k)[0].mean(axis=(0, 1)) for k in range(5)], axis=0)
        for domain in 'ab'
    )
    assert np.abs(a - b).max() > 25


def test_a_camera_changes_colours_and_adds_noise():
    camera = Camera((1.2, 1.0, 0.8), gamma=1.0, blur=0.5, noise=3.0, saturation=1.0)
    grey = np.full((60, 60, 3), 100, np.uint8)
    seen = camera.capture(grey, np.random.default_rng(0)).astype(float)
    assert seen.mean(axis=(0, 1)) == pytest.approx([120, 100, 80], abs=1.5)
    assert seen.std(axis=(0, 1)) == pytest.approx([3, 3, 3], abs=0.6)
