from __future__ import annotations

import numpy as np
import pytest

from mmps.synthetic.space.domains import SPACE_DOMAINS
from mmps.synthetic.space.light import Light
from mmps.synthetic.space.view import View

SIZE = (480, 360)


def naive_pixel(view, point):
    """Rotate, divide by depth, scale: with matrices, one point at a time."""
    cos, sin = np.cos(view.pitch), np.sin(view.pitch)
    axes = np.array([[1, 0, 0], [0, -cos, -sin], [0, -sin, cos]])  # right, down, ahead
    right, down, ahead = axes @ (np.array(point) - [0, view.height, 0])
    u, v = right / ahead, down / ahead
    bent = 1 + view.bend * (u * u + v * v)
    return [view.focal * u * bent + SIZE[0] / 2, view.focal * v * bent + SIZE[1] / 2], ahead


@pytest.mark.parametrize('seed', range(20))
def test_projection_equals_matrices(seed):
    low, high = [-2, 1, 5, 0, -0.1], [2, 2, 30, 0.5, 0]
    x, y, z, pitch, bend = np.random.default_rng(seed).uniform(low, high)
    view = View(SIZE, 400.0, 3.0, pitch, bend)
    pixels, depth = view.project(np.array([[x, y, z]]))
    expected, ahead = naive_pixel(view, (x, y, z))
    assert pixels[0] == pytest.approx(expected, abs=1e-6)
    assert depth[0] == pytest.approx(ahead)


@pytest.mark.parametrize('bend', [0.0, -0.04])
def test_the_ground_of_a_pixel_projects_to_that_pixel(bend):
    view = View(SIZE, 420.0, 2.5, 0.2, bend)
    x, z, first = view.ground()
    rows, columns = np.array([100, 150, 200]), np.array([20, 240, 450])
    points = np.stack([x[rows, columns], np.zeros(3), z[rows, columns]], axis=1)
    pixels, _ = view.project(points)
    assert pixels[:, 0] == pytest.approx(columns, abs=1.5)
    assert pixels[:, 1] == pytest.approx(rows + first, abs=1.5)


def test_the_horizon_is_where_the_ground_ends():
    view = View(SIZE, 400.0, 2.0, 0.1)
    (far,), _ = view.project(np.array([[0.0, 0.0, 1e6]]))
    assert far[1] == pytest.approx(view.horizon, abs=0.1)


@pytest.mark.parametrize('name', SPACE_DOMAINS)
def test_cameras_of_a_domain_keep_its_ranges(name):
    views = SPACE_DOMAINS[name].views
    rng = np.random.default_rng(0)
    for view in (views.sample(SIZE, rng) for _ in range(50)):
        assert views.height[0] <= view.height <= views.height[1]
        assert views.horizon[0] <= view.horizon / SIZE[1] <= views.horizon[1]


def test_light_from_the_camera_faces_it():
    light = Light(np.pi, 0.0, (1, 1, 1), (0, 0, 0), 0.5, 0.0)
    assert light.seen_from(View(SIZE, 400.0, 2.0, 0.0)) == pytest.approx([0, 0, 1], abs=1e-9)
    above = Light(0.0, np.pi / 2, (1, 1, 1), (0, 0, 0), 0.5, 0.0)
    assert above.seen_from(View(SIZE, 400.0, 2.0, 0.0)) == pytest.approx([0, -1, 0], abs=1e-9)
