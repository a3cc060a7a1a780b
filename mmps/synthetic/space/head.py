"""Head, hair and hat."""

from __future__ import annotations

import numpy as np

from .cloth import plain_cloth
from .part import Paint, Part, Point, shifted
from .wardrobe import Outfit

_HAIRLINE = {'short': 1.15, 'long': 0.85, 'bun': 1.0, 'bald': 9.0}
"""Angle from the middle of the face at which hair begins."""


def head_parts(outfit: Outfit, joints: dict[str, Point], nod: float) -> list[Part]:
    """List the parts of the head.

    Args:
        outfit: The identity.
        joints: Its joints.
        nod: Angle by which the head is turned to the person's right, in radians.

    Returns:
        The parts, in no order.
    """
    crown, chin = joints['crown'], joints['chin']
    hair = plain_cloth(outfit.hair).paint
    found = [Part(crown, chin, (0.045, 0.054), (0.034, 0.04), _face(outfit), cap=0.035, turn=nod)]
    if outfit.hair_style == 'long':
        top = shifted((crown + chin) / 2, forward=-0.028)
        low = shifted(joints['neck'], up=-0.05, forward=-0.055)
        found.append(Part(top, low, (0.052, 0.03), (0.05, 0.025), hair, cap=0.03))
    if outfit.hair_style == 'bun':
        knot = shifted(crown, up=0.012, forward=-0.058)
        found.append(Part(knot, shifted(knot, up=-0.005), (0.024,) * 2, (0.024,) * 2, hair))
    return found + HATS[outfit.hat](outfit, joints, nod)


def _face(outfit: Outfit) -> Paint:
    skin, hair = (np.array(c, np.float32) / 255 for c in (outfit.skin, outfit.hair))
    hairline = _HAIRLINE[outfit.hair_style]

    def paint(angle: np.ndarray, around: np.ndarray, along: np.ndarray) -> np.ndarray:
        side = np.abs((angle + np.pi) % (2 * np.pi) - np.pi)
        shade = np.ones_like(side)
        shade = np.where(
            (np.abs(side - 0.42) < 0.16) & (np.abs(along - 0.042) < 0.008), 0.45, shade
        )
        shade = np.where((side < 0.28) & (np.abs(along - 0.082) < 0.005), 0.7, shade)
        covered = (side > hairline) & (along < 0.075)
        if hairline < np.pi:
            covered |= along < 0.012
        return np.where(covered[..., None], hair, skin * shade[..., None])

    return paint


def _bare(outfit: Outfit, joints: dict[str, Point], nod: float) -> list[Part]:
    return []


def _beanie(outfit: Outfit, joints: dict[str, Point], nod: float) -> list[Part]:
    cloth = plain_cloth(outfit.hat_colour).paint
    crown = joints['crown']
    low = crown + 0.3 * (joints['chin'] - crown)
    return [Part(shifted(crown, up=0.008), low, (0.047, 0.056), (0.051, 0.06), cloth, cap=0.03,
                 nearer=0.06, turn=nod)]  # fmt: skip


def _cap(outfit: Outfit, joints: dict[str, Point], nod: float) -> list[Part]:
    cloth = plain_cloth(outfit.hat_colour).paint
    crown = joints['crown']
    low = crown + 0.22 * (joints['chin'] - crown)
    ahead = [np.sin(nod) * 0.09, 0.0, np.cos(nod) * 0.09]
    return [
        Part(shifted(crown, up=0.006), low, (0.048, 0.056), (0.05, 0.058), cloth, cap=0.026,
             nearer=0.06, turn=nod),
        Part(shifted(low, up=-0.002), low + ahead, (0.03, 0.01), (0.022, 0.008), cloth, cap=0.01,
             nearer=0.05),
    ]  # fmt: skip


def _hood(outfit: Outfit, joints: dict[str, Point], nod: float) -> list[Part]:
    cloth = (outfit.jacket or outfit.top).paint
    behind = shifted(joints['neck'], up=0.01, forward=-0.06)
    return [Part(behind, shifted(behind, up=-0.035), (0.06, 0.03), (0.045, 0.025), cloth, cap=0.02)]


HATS = {'none': _bare, 'beanie': _beanie, 'cap': _cap, 'hood': _hood}
