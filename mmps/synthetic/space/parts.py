"""The parts that a dressed person consists of, from the joints and the outfit."""

from __future__ import annotations

import numpy as np

from .cloth import plain_cloth
from .head import head_parts
from .part import Paint, Part, Point, shifted
from .wardrobe import Outfit

Joints = dict[str, Point]

_SIDES = (('left', -1), ('right', 1))
_TORSO = 0.225
"""Distance from the neck to the waist; a top's pattern is measured from the neck."""


def dressed_parts(outfit: Outfit, joints: Joints, nod: float) -> list[Part]:
    """List everything that is drawn of a person.

    Args:
        outfit: The identity.
        joints: Its joints in the pose of this appearance.
        nod: Angle by which the head is turned to the person's right, in radians.

    Returns:
        The parts, in no order.
    """
    found = _legs(outfit, joints) + _torso(outfit, joints) + _arms(outfit, joints)
    found += head_parts(outfit, joints, nod)
    return found + BAGS[outfit.bag](outfit, joints)


def _legs(outfit: Outfit, joints: Joints) -> list[Part]:
    girth, skin = outfit.frame.girth, plain_cloth(outfit.skin)
    bare = outfit.legwear != 'trousers'
    cloth = skin if bare else outfit.bottom
    wide = 1.0 if bare else outfit.leg_width
    thigh, knee = 0.05 * girth * (0.4 + 0.6 * wide), 0.034 * girth * wide
    ankle = 0.021 * girth if bare else 0.025 * girth * wide
    shoes, found = plain_cloth(outfit.shoes), []
    for side, _ in _SIDES:
        hip, low, foot = (joints[f'{side}_{name}'] for name in ('hip', 'knee', 'ankle'))
        found += [
            Part(hip, low, (thigh, thigh), (knee, knee), cloth.paint, nearer=-0.03, cap=0.02),
            Part(low, foot, (knee, knee), (ankle, ankle), cloth.paint, start_along=0.245, cap=0.02),
            Part(foot, joints[f'{side}_toe'], (0.022, 0.022), (0.02, 0.02), shoes.paint),
        ]
        if outfit.legwear == 'shorts':
            hem = hip + (low - hip) * min(outfit.hem / 0.245, 1.15)
            loose = 0.046 * girth * outfit.leg_width
            found.append(
                Part(hip, hem, (thigh, thigh), (loose, loose), outfit.bottom.paint, nearer=-0.02)
            )
    if outfit.legwear in ('skirt', 'dress'):
        found.append(_skirt(outfit, joints))
    return found


def _skirt(outfit: Outfit, joints: Joints) -> Part:
    girth, cloth = outfit.frame.girth, outfit.top if outfit.legwear == 'dress' else outfit.bottom
    waist = joints['waist']
    hem = (joints['left_knee'] + joints['right_knee']) / 2
    hem = waist + (hem - waist) * (0.55 + 2.2 * outfit.hem)
    low = 0.062 * girth + 0.05 * outfit.leg_width
    along = _TORSO if outfit.legwear == 'dress' else 0.0
    return Part(waist, hem, (0.074 * girth, 0.06 * girth), (low, 0.85 * low), cloth.paint,
                nearer=0.05, cap=0.012, start_along=along)  # fmt: skip


def _torso(outfit: Outfit, joints: Joints) -> list[Part]:
    frame, loose = outfit.frame, 0.01 if outfit.jacket else 0.0
    girth, paint = frame.girth, torso_paint(outfit)
    chest = (frame.shoulders + 0.006 + loose, 0.058 * girth + loose)
    waist = (0.074 * girth + loose, 0.055 * girth + frame.belly + loose)
    hips = (0.06 * girth + 0.4 * frame.hips + loose, 0.062 * girth + loose)
    reach = 0.02 + (outfit.jacket_length if outfit.jacket else 0.01)
    lower_end = joints['pelvis'] - [0, reach, 0]
    wider = 1 + 0.9 * max(reach - 0.05, 0)
    hips = (hips[0] * wider, hips[1] * wider)
    shoulder = (0.034 * girth + loose,) * 2
    neck, skin = joints['neck'] - [0, 0.02, 0], plain_cloth(outfit.skin)
    return [
        Part(neck - [0, 0.015, 0], joints['waist'], chest, waist, paint, nearer=0.01, cap=0.022),
        Part(joints['waist'], lower_end, waist, hips, paint, nearer=0.06 if outfit.jacket else 0.02,
             cap=0.012, start_along=_TORSO),
        Part(joints['left_shoulder'], joints['right_shoulder'], shoulder, shoulder, paint,
             flat=True, start_along=0.02),
        Part(joints['neck'] + [0, 0.04, 0], neck, (0.027, 0.027), (0.036 * girth,) * 2, skin.paint),
    ]  # fmt: skip


def torso_paint(outfit: Outfit) -> Paint:
    """Combine the cloth of the trunk: the top, an open or closed jacket, a backpack's straps.

    Args:
        outfit: The identity.

    Returns:
        A function as :meth:`mmps.synthetic.space.cloth.Cloth.paint`.
    """
    top, jacket = outfit.top, outfit.jacket

    def paint(angle: np.ndarray, around: np.ndarray, along: np.ndarray) -> np.ndarray:
        colour = top.paint(angle, around, along)
        front = np.abs((angle + np.pi) % (2 * np.pi) - np.pi)
        if jacket is not None:
            opening = (
                0.45 * max(jacket.shift - 0.35, 0.02) + 0.25 * np.maximum(0.1 - along, 0) / 0.1
            )
            worn = (front > opening)[..., None]
            colour = np.where(worn, jacket.paint(angle, around, along), colour)
        if outfit.bag == 'backpack':
            strap = (np.abs(front - 0.62) < 0.13) & (along < 0.19)
            strap_colour = 0.6 * np.array(outfit.bag_cloth.colour, np.float32) / 255
            colour = np.where(strap[..., None], strap_colour, colour)
        return colour

    return paint


def _arms(outfit: Outfit, joints: Joints) -> list[Part]:
    girth, skin, found = outfit.frame.girth, plain_cloth(outfit.skin), []
    cloth = outfit.jacket or outfit.top
    long = outfit.jacket is not None or outfit.long_sleeves
    puff = 1.25 if outfit.jacket else 1.0
    for side, _ in _SIDES:
        shoulder, elbow, wrist = (joints[f'{side}_{n}'] for n in ('shoulder', 'elbow', 'wrist'))
        upper, middle, lower = (r * girth * (puff if long else 1) for r in (0.031, 0.026, 0.02))
        sleeve = cloth if long else skin
        hand = wrist + 0.28 * (wrist - elbow)
        found += [
            Part(shoulder, elbow, (upper,) * 2, (middle,) * 2, sleeve.paint, start_along=0.03),
            Part(elbow, wrist, (middle,) * 2, (lower,) * 2, sleeve.paint, start_along=0.195),
            Part(wrist, hand, (0.017,) * 2, (0.016,) * 2, skin.paint),
        ]
        if not long:
            cuff = shoulder + 0.55 * (elbow - shoulder)
            wide = 0.036 * girth
            found.append(Part(shoulder, cuff, (wide,) * 2, (wide,) * 2, cloth.paint, nearer=0.01,
                              start_along=0.03, cap=0.02))  # fmt: skip
    return found


def _no_bag(outfit: Outfit, joints: Joints) -> list[Part]:
    return []


def _backpack(outfit: Outfit, joints: Joints) -> list[Part]:
    size, paint = outfit.bag_size, outfit.bag_cloth.paint
    behind = [0, 0, -0.085 * size - outfit.frame.belly / 3]
    top, bottom = joints['neck'] - [0, 0.05, 0] + behind, joints['waist'] + behind
    wide = (0.078 * size, 0.05 * size)
    return [Part(top, bottom - [0, 0.02 * size, 0], wide, wide, paint, cap=0.03, nearer=0.02)]


def _shoulder_bag(outfit: Outfit, joints: Joints) -> list[Part]:
    size, paint = outfit.bag_size, outfit.bag_cloth.paint
    sign = 1 if outfit.bag_cloth.shift < 0.5 else -1
    strap = plain_cloth(tuple(int(0.6 * c) for c in outfit.bag_cloth.colour)).paint
    side = joints['pelvis'] + [sign * (0.085 + 0.04 * outfit.frame.girth), 0.02, 0]
    other = joints['neck'] + [-sign * 0.06, -0.01, 0]
    bag = Part(side, side - [0, 0.075 * size, 0], (0.035, 0.075 * size), (0.04, 0.08 * size), paint,
               cap=0.015, nearer=0.03)  # fmt: skip
    straps = [
        Part(shifted(other, forward=0.6 * depth), shifted(side, forward=depth), (0.009,) * 2,
             (0.009,) * 2, strap, nearer=0.03)
        for depth in (0.075, -0.075)
    ]  # fmt: skip
    return [bag, *straps]


def _hand_bag(outfit: Outfit, joints: Joints) -> list[Part]:
    size, paint = outfit.bag_size, outfit.bag_cloth.paint
    side = 'right' if outfit.bag_cloth.shift < 0.5 else 'left'
    grip = joints[f'{side}_wrist'] - [0, 0.05, 0]
    low = grip - [0, 0.1 * size, 0]
    return [Part(grip - [0, 0.03, 0], low, (0.03, 0.06 * size), (0.035, 0.075 * size), paint,
                 cap=0.012, nearer=0.02)]  # fmt: skip


def _suitcase(outfit: Outfit, joints: Joints) -> list[Part]:
    side = 'right' if outfit.bag_cloth.shift < 0.5 else 'left'
    sign = 1 if side == 'right' else -1
    top = np.array([sign * 0.13, 0.27 * outfit.bag_size, -0.2])
    grip = plain_cloth((90, 90, 94)).paint
    return [
        Part(top, np.array([top[0], 0.02, -0.22]), (0.08, 0.05), (0.08, 0.05),
             outfit.bag_cloth.paint, cap=0.015),
        Part(joints[f'{side}_wrist'], top, (0.006,) * 2, (0.006,) * 2, grip),
    ]  # fmt: skip


BAGS = {
    'none': _no_bag,
    'backpack': _backpack,
    'shoulder': _shoulder_bag,
    'hand': _hand_bag,
    'suitcase': _suitcase,
}
