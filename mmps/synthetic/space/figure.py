"""One person in an image: the parts in order of depth, shaded, and the shadow on the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .light import Light
from .part import Part
from .parts import dressed_parts
from .skeleton import Stance, joints
from .texture import noise_at
from .view import View
from .wardrobe import Outfit

_FOLDS = 0.32
"""How much folds darken and brighten cloth."""


@dataclass(frozen=True)
class Standing:
    """A person at a place of the ground, in metres."""

    outfit: Outfit
    stance: Stance
    x: float
    z: float

    @property
    def facing(self) -> float:
        """Angle from the person's front to the direction of the camera, towards its right."""
        heading = self.stance.heading
        forward, right = np.sin(heading), np.cos(heading)
        ahead = -self.x * forward - self.z * right
        aside = -self.x * right + self.z * forward
        return float(np.arctan2(aside, ahead))

    def parts(self) -> list[Part]:
        """List the person's parts."""
        found = joints(self.outfit.frame, self.stance)
        return dressed_parts(self.outfit, found, self.stance.nod)

    def in_world(self, points: np.ndarray) -> np.ndarray:
        """Bring points of the person to the world.

        Args:
            points: ``(..., 3)``, in units of the height.

        Returns:
            ``(..., 3)`` in metres.
        """
        right, up, forward = np.moveaxis(points * self.outfit.frame.stature, -1, 0)
        cos, sin = np.cos(self.stance.heading), np.sin(self.stance.heading)
        x, z = right * cos + forward * sin, -right * sin + forward * cos
        return np.stack([self.x + x, up, self.z + z], axis=-1)


@dataclass(frozen=True)
class Projected:
    """The parts of a person in pixels: ends ``(P, 2, 2)``, depths ``(P,)``, metres to pixels."""

    parts: list[Part]
    ends: np.ndarray
    depths: np.ndarray
    scales: np.ndarray


def project_parts(person: Standing, view: View) -> Projected:
    """Find the pixels of a person's parts.

    Args:
        person: The person.
        view: The camera.

    Returns:
        The parts, the farthest first.
    """
    parts = person.parts()
    ends = person.in_world(np.array([[part.start, part.end] for part in parts]))
    pixels, depths = view.project(ends)
    nearer = np.array([part.nearer for part in parts]) * person.outfit.frame.stature
    order = np.argsort(nearer - depths.mean(axis=1), kind='stable')
    scales = view.focal * person.outfit.frame.stature / depths.mean(axis=1)
    return Projected([parts[k] for k in order], pixels[order], depths[order], scales[order])


def draw_figure(
    person: Standing, view: View, light: Light, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Draw one person.

    Args:
        person: The person.
        view: The camera.
        light: The light.
        rng: Stream of the scene, for the folds of clothes.

    Returns:
        ``(h, w, 3)`` BGR 0..255, multiplied by the coverage, ``(h, w)`` coverage 0..1, both
        float32, and the column and row of the upper left corner in the image.
    """
    seen = project_parts(person, view)
    reach = np.array([max(*p.first, *p.last) for p in seen.parts]) * seen.scales + 2
    low = np.floor((seen.ends.min(axis=1) - reach[:, None]).min(axis=0)).astype(int)
    high = np.ceil((seen.ends.max(axis=1) + reach[:, None]).max(axis=0)).astype(int)
    width, height = (high - low + 1).tolist()
    colour, alpha = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    toward, facing = light.seen_from(view).tolist(), person.facing
    folds = rng.integers(0, 256, 2).tolist()
    for part, ends, scale in zip(seen.parts, seen.ends - low, seen.scales.tolist(), strict=True):
        _paint(colour, alpha, part, ends, scale, facing, light, toward, folds)
    return colour[..., ::-1] * 255, alpha, int(low[0]), int(low[1])


def _paint(colour, alpha, part, ends, scale, facing, light, toward, folds) -> None:
    """Paint one part over what is there."""
    angle_seen = facing - part.turn
    broad, deep = abs(math.cos(angle_seen)), abs(math.sin(angle_seen))
    r0, r1 = (
        max(math.hypot(a * broad, b * deep) * scale, 0.35) for a, b in (part.first, part.last)
    )
    cap = max(r0, r1) if part.cap is None else max(part.cap * scale, 0.35)
    (x0, y0), (x1, y1) = ends.tolist()  # Python's numbers keep arrays in single precision
    pad = max(r0, r1, cap) + 1
    left, right = max(int(min(x0, x1) - pad), 0), int(max(x0, x1) + pad) + 2
    top, bottom = max(int(min(y0, y1) - pad), 0), int(max(y0, y1) + pad) + 2
    inside = (slice(top, bottom), slice(left, right))
    shape = alpha[inside].shape
    dx = np.arange(left, left + shape[1], dtype=np.float32)[None] - x0
    dy = np.arange(top, top + shape[0], dtype=np.float32)[:, None] - y0
    length = max(math.hypot(x1 - x0, y1 - y0), 1e-3)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    flip = -1.0 if uy < 0 or (uy == 0 and ux > 0) else 1.0
    px, py = flip * uy, -flip * ux
    along, side = dx * ux + dy * uy, dx * px + dy * py
    radius = r0 + (r1 - r0) * np.clip(along / length, 0, 1)
    across = side / radius
    over = np.maximum(np.maximum(-along, along - length), 0) / cap
    edge = np.where(over > 0, np.minimum(radius, cap), radius)
    cover = np.clip((1 - np.sqrt(across**2 + over**2)) * edge + 0.5, 0, 1)
    if not cover.any():
        return
    across = np.clip(across, -1, 1)
    if part.flat:
        angle = np.full(shape, angle_seen, np.float32)
        around, down = (along - length / 2) / scale, part.start_along + side / scale
    else:
        angle = angle_seen - np.arcsin(across)
        around = angle * (radius / scale)
        down = part.start_along + np.clip(along, -cap, length + cap) / scale
    aside = px * toward[0] + py * toward[1]
    normal = across * aside + np.sqrt(1 - across**2) * toward[2]
    fold = 1 + _FOLDS * noise_at(around * 0.6 + folds[0], down + folds[1], 190)
    shade = (np.maximum(normal, 0) * fold)[..., None] * np.array(light.sun, np.float32)
    shade = shade + fold[..., None] * np.array(light.sky, np.float32)
    cloth = part.paint(angle, around, down) * shade
    colour[inside] += (cloth - colour[inside]) * cover[..., None]
    alpha[inside] += (1 - alpha[inside]) * cover


def cast_shadow(image: np.ndarray, person: Standing, view: View, light: Light) -> None:
    """Darken the ground where a person keeps the light away.

    Args:
        image: ``(height, width, 3)`` uint8 BGR; it is modified.
        person: The person.
        view: The camera.
        light: The light.
    """
    parts = person.parts()
    ends = person.in_world(np.array([[part.start, part.end] for part in parts]))
    sun = light.direction
    ends = ends - sun * (ends[..., 1:2] / sun[1])
    pixels, depths = view.project(ends)
    scale = view.focal * person.outfit.frame.stature / depths.mean()
    blur = max(light.softness * scale, 0.8)
    margin = 3 * blur + 0.08 * scale
    low = np.floor(np.maximum(pixels.min(axis=(0, 1)) - margin, 0)).astype(int)
    high = np.ceil(np.minimum(pixels.max(axis=(0, 1)) + margin, image.shape[1::-1])).astype(int)
    if (high - low < 2).any() or (high - low).max() > 4 * max(image.shape):
        return
    mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    for part, (start, end) in zip(parts, np.rint(pixels - low).astype(int), strict=True):
        thick = max(1, int(1.5 * np.mean(part.first + part.last) * scale * 0.5))
        cv2.line(mask, start.tolist(), end.tolist(), 255, thick)
    mask = cv2.GaussianBlur(mask, (0, 0), blur)
    patch = image[low[1] : high[1], low[0] : high[0]]
    factor = 1 - light.shadow * mask[..., None].astype(np.float32) / 255
    patch[:] = (patch * factor).astype(np.uint8)
