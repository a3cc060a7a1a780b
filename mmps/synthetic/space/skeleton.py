"""A person's joints in space, standing or walking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

THIGH, SHIN, UPPER_ARM, FOREARM = 0.245, 0.235, 0.165, 0.15
"""Lengths of limbs in units of the person's height."""


@dataclass(frozen=True)
class Frame:
    """The proportions of an identity, in units of its height.

    Attributes:
        stature: Height in metres.
        shoulders: Half the distance of the shoulder joints.
        hips: Half the distance of the hip joints.
        girth: Factor on the thickness of everything.
        belly: Added to the depth of the belly.
        stride: Largest angle of a thigh when walking, in radians.
        stoop: Angle by which the trunk leans forwards, in radians.
    """

    stature: float
    shoulders: float
    hips: float
    girth: float
    belly: float
    stride: float
    stoop: float


@dataclass(frozen=True)
class Stance:
    """One appearance of a person.

    Attributes:
        heading: Angle of the walking direction in radians: 0 away from the camera, growing
            towards the right.
        phase: Moment of the step in radians.
        walking: Share of the identity's full stride, 0 (stands) to 1.
        elbows: Angles of the left and the right elbow in radians.
        arms: Angles by which the left and the right upper arm are held forwards, in radians.
        nod: Angle by which the head is turned to the person's right, in radians.
    """

    heading: float
    phase: float
    walking: float
    elbows: tuple[float, float]
    arms: tuple[float, float]
    nod: float


def sample_frame(rng: np.random.Generator) -> Frame:
    """Draw the proportions of an identity.

    Args:
        rng: Stream of this identity.

    Returns:
        The proportions.
    """
    wide = rng.uniform(-1, 1)
    girth = float(np.clip(rng.normal(1, 0.12), 0.8, 1.35))
    return Frame(
        stature=float(np.clip(rng.normal(1.71, 0.09), 1.45, 1.95)),
        shoulders=0.098 + 0.014 * wide + 0.02 * (girth - 1),
        hips=0.05 - 0.006 * wide + 0.012 * (girth - 1),
        girth=girth,
        belly=float(max(rng.normal(0, 0.02) + 0.06 * (girth - 1), 0)),
        stride=float(rng.uniform(0.32, 0.52)),
        stoop=float(max(rng.normal(0.04, 0.05), -0.03)),
    )


def sample_stance(heading: float, rng: np.random.Generator) -> Stance:
    """Draw one appearance of a person.

    Args:
        heading: As in :class:`Stance`.
        rng: Stream of the scene.

    Returns:
        The stance.
    """
    walking = float(rng.uniform(0.7, 1)) if rng.random() < 0.78 else float(rng.uniform(0, 0.2))
    elbows, arms = [], []
    for _ in range(2):
        bent = rng.random() < 0.22  # a phone, a bag's strap, folded arms
        elbows.append(float(rng.uniform(1.3, 2.3) if bent else rng.uniform(0.15, 0.5)))
        arms.append(float(rng.uniform(0.1, 0.6) if bent else rng.normal(0, 0.06)))
    phase = float(rng.uniform(0, 2 * np.pi))
    return Stance(heading, phase, walking, tuple(elbows), tuple(arms), float(rng.normal(0, 0.3)))


def joints(frame: Frame, stance: Stance) -> dict[str, np.ndarray]:
    """Place the joints of a person who stands at the origin and looks ahead.

    Args:
        frame: Proportions of the person.
        stance: The appearance.

    Returns:
        ``(3,)`` by name, in units of the height: to the person's right, upwards, forwards.
    """
    swing = frame.stride * stance.walking * np.sin(stance.phase)
    hip_height = 0.02 + THIGH + SHIN * 0.985 - 0.1 * swing**2
    found = {'pelvis': np.array([0, hip_height + 0.02, 0])}
    for side, sign in (('left', -1), ('right', 1)):
        hip = np.array([sign * frame.hips, hip_height, 0])
        angle = sign * swing
        lifted = max(0.0, np.cos(stance.phase) * sign) * stance.walking
        bend = 0.12 + 0.75 * lifted + 0.25 * max(-angle, 0)
        knee = hip + THIGH * _swung(angle)
        ankle = knee + SHIN * _swung(angle - bend)
        toe = ankle + 0.085 * np.array([0.18 * sign, -0.22 - 0.5 * lifted, 1])
        found |= {f'{side}_{n}': p for n, p in
                  (('hip', hip), ('knee', knee), ('ankle', ankle), ('toe', toe))}  # fmt: skip
    found |= _upper_body(frame, stance, found['pelvis'], swing)
    lowest = min(point[1] for point in found.values()) - 0.012
    return {name: point - [0, lowest, 0] for name, point in found.items()}


def _upper_body(
    frame: Frame, stance: Stance, pelvis: np.ndarray, swing: float
) -> dict[str, np.ndarray]:
    trunk = -_swung(-frame.stoop)
    neck = pelvis + 0.315 * trunk
    found = {
        'waist': pelvis + 0.09 * trunk,
        'chest': pelvis + 0.24 * trunk,
        'neck': neck,
        'chin': neck + np.array([0, 0.045, 0.018]),
        'crown': neck + np.array([0, 0.125, 0.02]),
    }
    for k, (side, sign) in enumerate((('left', -1), ('right', 1))):
        shoulder = neck + np.array([sign * frame.shoulders, -0.03, 0])
        angle = stance.arms[k] - 0.75 * sign * swing
        elbow = shoulder + UPPER_ARM * _swung(angle) + [0.025 * sign, 0, 0]
        wrist = elbow + FOREARM * _swung(angle + stance.elbows[k])
        wrist = wrist - [sign * 0.05 * np.sin(min(stance.elbows[k], 1.6)), 0, 0]
        found |= {f'{side}_shoulder': shoulder, f'{side}_elbow': elbow, f'{side}_wrist': wrist}
    return found


def _swung(angle: float) -> np.ndarray:
    """Return the direction of a limb that hangs down and is swung forwards by an angle."""
    return np.array([0, -np.cos(angle), np.sin(angle)])
