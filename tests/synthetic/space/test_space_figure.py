from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmps.synthetic.space.cloth import PATTERNS, Cloth, plain_cloth
from mmps.synthetic.space.domains import SPACE_DOMAINS
from mmps.synthetic.space.figure import Standing, cast_shadow, draw_figure
from mmps.synthetic.space.light import Light
from mmps.synthetic.space.parts import BAGS
from mmps.synthetic.space.skeleton import Stance, joints
from mmps.synthetic.space.texture import noise_tile
from mmps.synthetic.space.view import View
from mmps.synthetic.space.wardrobe import TONES, sample_outfit, tone

VIEW = View((480, 360), 400.0, 1.2, 0.05)
LIGHT = Light(0.5, 1.0, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 0.5, 0.02)
TOWARDS, AWAY, ASIDE = np.pi, 0.0, np.pi / 2


def an_outfit(seed=0, domain='c', **changes):
    outfit = sample_outfit(SPACE_DOMAINS[domain].wardrobe, np.random.default_rng(seed))
    return replace(outfit, **changes)


def stance(heading=TOWARDS, walking=0.0, phase=0.5):
    return Stance(heading, phase, walking, (0.2, 0.2), (0.0, 0.0), 0.0)


def draw(outfit, heading=TOWARDS, z=6.0, view=VIEW, light=LIGHT, **kwargs):
    person = Standing(outfit, stance(heading, **kwargs), 0.0, z)
    return draw_figure(person, view, light, np.random.default_rng(0))


def extent(alpha):
    rows, columns = (np.flatnonzero((alpha > 0.5).any(axis=axis)) for axis in (1, 0))
    return np.ptp(columns) + 1, np.ptp(rows) + 1


@pytest.mark.parametrize('heading', [TOWARDS, AWAY, ASIDE, 1.0])
@pytest.mark.parametrize('walking', [0.0, 1.0])
@pytest.mark.parametrize('z', [3.0, 12.0])
def test_a_figure_is_as_tall_as_perspective_says(heading, walking, z):
    outfit = an_outfit(hat='none', bag='none', hair_style='short')
    _, alpha, _, top = draw(outfit, heading, z, walking=walking)
    width, height = extent(alpha)
    (foot, head), _ = VIEW.project(np.array([[0, 0, z], [0, outfit.frame.stature, z]]))
    assert height == pytest.approx(foot[1] - head[1], rel=0.09)
    assert 0.12 * height < width < 0.75 * height
    assert top + np.flatnonzero((alpha > 0.5).any(axis=1))[-1] == pytest.approx(
        foot[1], abs=0.06 * height
    )


def test_front_and_side_have_the_widths_of_a_body():
    outfit = an_outfit(hat='none', bag='none', jacket=None, legwear='trousers')
    front, side = (extent(draw(outfit, heading)[1])[0] for heading in (TOWARDS, ASIDE))
    assert side < 0.8 * front


def colours(figure, alpha, seen):
    rows, columns = np.nonzero(alpha > 0.9)
    pixels = figure[rows, columns, ::-1]
    return int((np.abs(pixels / pixels.max() - np.array(seen)).sum(axis=1) < 0.5).sum())


def test_a_print_on_the_chest_shows_only_from_the_front():
    cloth = Cloth((20, 20, 20), (250, 20, 20), PATTERNS['print'], 0.05, 0.5, 0.0)
    outfit = an_outfit(top=cloth, jacket=None, bag='none', bottom=plain_cloth((20, 20, 20)),
                       hat='none', legwear='trousers')  # fmt: skip
    red = [1.0, 0.08, 0.08]
    front, back = (colours(*draw(outfit, heading)[:2], red) for heading in (TOWARDS, AWAY))
    assert front > 100
    assert back < 0.1 * front


def test_a_backpack_shows_from_behind():
    bag = plain_cloth((20, 250, 20))
    outfit = an_outfit(bag='backpack', bag_cloth=bag, bag_size=1.0, jacket=None, hat='none',
                       top=plain_cloth((40, 40, 40)))  # fmt: skip
    green = [0.08, 1.0, 0.08]
    front, back = (colours(*draw(outfit, heading)[:2], green) for heading in (TOWARDS, AWAY))
    assert back > 300
    assert back > 3 * front


def test_a_higher_camera_sees_people_shorter():
    outfit = an_outfit(hat='none', bag='none')
    level = extent(draw(outfit, view=View((480, 360), 400.0, 1.2, 0.0))[1])[1]
    above = extent(draw(outfit, view=View((480, 360), 400.0, 6.0, 0.8))[1])[1]
    assert above < 0.85 * level


@pytest.mark.parametrize('bag', BAGS)
@pytest.mark.parametrize('domain', SPACE_DOMAINS)
def test_everything_that_is_worn_can_be_drawn(bag, domain):
    for seed, heading in enumerate((TOWARDS, AWAY, ASIDE)):
        figure, alpha, _, _ = draw(an_outfit(seed, domain, bag=bag), heading)
        assert figure.shape == (*alpha.shape, 3)
        assert np.isfinite(figure).all()
        assert alpha.min() == 0
        assert alpha.max() == pytest.approx(1)


def test_feet_stand_on_the_ground_and_limbs_keep_their_lengths():
    frame = an_outfit().frame
    for phase in np.linspace(0, 6, 7):
        points = joints(frame, stance(walking=1.0, phase=phase))
        assert min(p[1] for p in points.values()) == pytest.approx(0.012)
        assert 0.9 < points['crown'][1] < 1.0
        thigh = np.linalg.norm(points['left_hip'] - points['left_knee'])
        assert thigh == pytest.approx(0.245)


def test_the_step_swings_legs_against_each_other():
    points = joints(an_outfit().frame, stance(walking=1.0, phase=np.pi / 2))
    assert points['right_knee'][2] > points['right_hip'][2] + 0.05
    assert points['left_knee'][2] < points['left_hip'][2] - 0.05


def test_a_shadow_falls_away_from_the_sun():
    image = np.full((360, 480, 3), 200, np.uint8)
    person = Standing(an_outfit(), stance(), 0.0, 6.0)
    cast_shadow(image, person, VIEW, replace(LIGHT, azimuth=np.pi / 2, elevation=0.7))
    columns = np.flatnonzero((image < 190).any(axis=(0, 2)))
    assert columns.mean() < 220
    assert image.max() == 200


@pytest.mark.parametrize('pattern', [name for name in PATTERNS if name != 'plain'])
def test_patterns_have_both_colours(pattern):
    angle, along = np.meshgrid(np.linspace(-np.pi, np.pi, 80), np.linspace(0, 0.3, 60))
    shares = [
        PATTERNS[pattern](angle, 0.09 * angle, along,
                          Cloth((0, 0, 0), (255, 255, 255), PATTERNS[pattern], 0.05, 0.5, shift))
        for shift in (0.1, 0.9)
    ]  # fmt: skip
    for share in shares:
        assert share.min() >= 0
        assert share.max() <= 1
        assert 0.02 < np.mean(share > 0.1) < 0.98


@pytest.mark.parametrize('name', TONES)
def test_tones_are_colours(name):
    drawn = [tone(name, np.random.default_rng(k)) for k in range(20)]
    assert all(0 <= channel <= 255 for colour in drawn for channel in colour)
    assert np.ptp(drawn, axis=0).max() < 110


def test_noise_wraps_around():
    tile = noise_tile()
    inside, across = np.abs(np.diff(tile, axis=1)).mean(), np.abs(tile[:, 0] - tile[:, -1]).mean()
    assert across < 1.5 * inside
    assert tile.std() == pytest.approx(0.25)
