from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmps.synthetic.appearance import HATS, PATTERNS, VIEWS, Pose, sample_look, sample_pose
from mmps.synthetic.clothes import darker
from mmps.synthetic.domains import DOMAINS
from mmps.synthetic.figure import draw_figure


def look(domain='a', seed=0, **changes):
    drawn = sample_look(DOMAINS[domain].palette, np.random.default_rng(seed))
    return replace(drawn, **changes)


def draw(a_look, view='front', height=120, domain='a', mirrored=False):
    pose = Pose(view, mirrored=mirrored, phase=0.8, lean=0.0)
    return draw_figure(a_look, pose, DOMAINS[domain].style, height, light=0.5)


@pytest.mark.parametrize('domain', DOMAINS)
@pytest.mark.parametrize('height', [50, 120, 200])
def test_a_figure_is_as_tall_as_asked_and_slender(domain, height):
    for view in VIEWS:
        colour, alpha = draw(look(domain, bag='none', hat='none'), view, height, domain)
        rows, columns = (np.flatnonzero((alpha > 0.5).any(axis=axis)) for axis in (1, 0))
        assert np.ptp(rows) + 1 == pytest.approx(height, rel=0.06)
        assert 0.1 * height < np.ptp(columns) + 1 < 0.75 * height
        assert colour.shape == (*alpha.shape, 3)
        assert alpha.min() == 0
        assert alpha.max() == 1


def test_the_ground_is_at_the_lower_edge_less_a_margin():
    _, alpha = draw(look())
    lowest = np.flatnonzero((alpha > 0.5).any(axis=1))[-1]
    assert alpha.shape[0] - 1 - lowest == pytest.approx(0.03 * 120, abs=3)


def test_a_mirrored_figure_is_the_mirror_image():
    a_look = look(bag='shoulder')
    left, right = draw(a_look, 'side')[1], draw(a_look, 'side', mirrored=True)[1]
    assert np.array_equal(left, right[:, ::-1])


@pytest.mark.parametrize('pattern', [p for p in PATTERNS if p != 'plain'])
def test_patterns_show(pattern):
    plain = draw(look(pattern='plain', bag='none'))[0]
    patterned = draw(look(pattern=pattern, bag='none'))[0]
    assert (plain != patterned).mean() > 0.005


@pytest.mark.parametrize('hat', [h for h in HATS if h != 'none'])
@pytest.mark.parametrize('view', VIEWS)
def test_hats_show(hat, view):
    top, bare = (30, 200, 30), draw(look(hat='none', hat_colour=(30, 200, 30)), view)[0]
    assert (bare != draw(look(hat=hat, hat_colour=top), view)[0]).any(axis=2).sum() > 10


def test_identities_differ_more_than_poses_of_one():
    rng = np.random.default_rng(0)
    looks = [sample_look(DOMAINS['a'].palette, np.random.default_rng(k)) for k in range(30)]
    assert len(set(looks)) == 30
    assert len({sample_pose(rng) for _ in range(30)}) == 30
    assert len({a_look.top for a_look in looks}) <= 10


def test_an_accent_is_never_the_top_colour():
    looks = [sample_look(DOMAINS['b'].palette, np.random.default_rng(k)) for k in range(60)]
    assert all(a_look.top != a_look.accent for a_look in looks)


def test_darker_takes_colours_and_images():
    assert darker((100, 200, 50), 0.5) == (50, 100, 25)
    assert np.array_equal(
        darker(np.full((2, 2, 3), 100, np.uint8), 0.5), np.full((2, 2, 3), 50, np.uint8)
    )
