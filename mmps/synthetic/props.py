"""Things in a scene that are not people, as distractors: all BGR, drawn in place."""

from __future__ import annotations

import cv2
import numpy as np

from .appearance import Colour

Rng = np.random.Generator


def any_colour(rng: Rng, low: int = 40, high: int = 220) -> Colour:
    """Draw a colour.

    Args:
        rng: Stream of the scene.
        low: Smallest value of a channel.
        high: Largest value of a channel.

    Returns:
        The colour, BGR.
    """
    return tuple(int(value) for value in rng.integers(low, high, 3))


def shade(colour: Colour, factor: float) -> Colour:
    """Scale a colour, clipped to 0..255.

    Args:
        colour: BGR.
        factor: Brightness; 1 changes nothing.

    Returns:
        The new colour.
    """
    return tuple(int(min(255, channel * factor)) for channel in colour)


def box(image: np.ndarray, x: float, y: float, w: float, h: float, colour: Colour) -> None:
    """Fill a rectangle given by its upper left corner and its size in pixels.

    Args:
        image: Image to draw on.
        x: Left edge.
        y: Upper edge.
        w: Width.
        h: Height.
        colour: BGR.
    """
    cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)


def pillar(image: np.ndarray, x: float, foot: float, height: float, rng: Rng) -> None:
    """Draw a pillar about as slim as a person, with a lit side and a plinth."""
    width = height * rng.uniform(0.16, 0.28)
    colour = any_colour(rng, 90, 200)
    box(image, x - width / 2, foot - height, width, height, colour)
    box(image, x - width / 2, foot - height, width / 3, height, shade(colour, 0.78))
    box(
        image, x - 0.6 * width, foot - 0.08 * height, 1.2 * width, 0.08 * height, shade(colour, 0.6)
    )


def sign(image: np.ndarray, x: float, foot: float, height: float, rng: Rng) -> None:
    """Draw a disc on a pole: as tall as a person, with something like a head."""
    radius = int(height * rng.uniform(0.09, 0.14))
    pole = max(1, int(height * 0.025))
    top = (int(x), int(foot - height + radius))
    cv2.line(image, top, (int(x), int(foot)), (120, 120, 124), pole)
    cv2.circle(image, top, radius, any_colour(rng, 30, 230), -1, cv2.LINE_AA)
    cv2.circle(image, top, max(1, int(0.62 * radius)), (225, 225, 225), -1, cv2.LINE_AA)


def tree(image: np.ndarray, x: float, foot: float, height: float, rng: Rng) -> None:
    """Draw a tree: a trunk and overlapping discs of leaves."""
    height *= 1.5
    trunk = max(2, height * 0.05)
    box(image, x - trunk, foot - 0.5 * height, 2 * trunk, 0.5 * height, (38, 58, 84))
    leaves = np.array([50, 110, 60]) * rng.uniform(0.6, 1.25)
    for _ in range(14):
        centre = (x + rng.normal(0, 0.14 * height), foot - height * rng.uniform(0.5, 0.95))
        colour = tuple(int(v) for v in np.clip(leaves * rng.uniform(0.7, 1.25), 0, 255))
        radius = int(height * rng.uniform(0.08, 0.17))
        cv2.circle(image, (int(centre[0]), int(centre[1])), radius, colour, -1, cv2.LINE_AA)


def car(image: np.ndarray, x: float, foot: float, height: float, rng: Rng) -> None:
    """Draw a car seen from its side."""
    length, tall = height * rng.uniform(1.7, 2.1), height * 0.62
    left, colour = x - length / 2, any_colour(rng, 30, 230)
    top = foot - tall
    cabin = np.array([[0.2, 0.45], [0.33, 0], [0.7, 0], [0.86, 0.45]]) * (length, tall)
    cv2.fillPoly(image, [np.int32(np.add(cabin, (left, top)))], shade(colour, 0.8), cv2.LINE_AA)
    glass = np.array([[0.26, 0.42], [0.36, 0.07], [0.67, 0.07], [0.79, 0.42]]) * (length, tall)
    cv2.fillPoly(image, [np.int32(np.add(glass, (left, top)))], (150, 140, 128), cv2.LINE_AA)
    box(image, left + 0.5 * length, top, 0.02 * length, 0.42 * tall, shade(colour, 0.8))
    box(image, left, top + 0.42 * tall, length, 0.38 * tall, colour)
    box(image, left, top + 0.66 * tall, length, 0.14 * tall, shade(colour, 0.65))
    for wheel in (0.2, 0.8):
        centre = (int(left + wheel * length), int(foot - 0.16 * tall))
        cv2.circle(image, centre, max(2, int(0.19 * tall)), (28, 26, 26), -1, cv2.LINE_AA)
        cv2.circle(image, centre, max(1, int(0.09 * tall)), (160, 160, 160), -1, cv2.LINE_AA)


def poster(image: np.ndarray, x: float, foot: float, height: float, rng: Rng) -> None:
    """Draw a striped board on two legs: the stripes of a jersey, but not the shape of a person."""
    width, tall = height * rng.uniform(0.35, 0.55), height * rng.uniform(0.55, 0.75)
    left, top, stripes = x - width / 2, foot - height, int(rng.integers(4, 8))
    colours = any_colour(rng, 30, 230), any_colour(rng, 30, 230)
    for k in range(stripes):
        box(image, left, top + k * tall / stripes, width, tall / stripes, colours[k % 2])
    for leg in (left + 0.12 * width, left + 0.82 * width):
        box(image, leg, top + tall, 0.07 * width, foot - top - tall, (70, 70, 74))


def crate(image: np.ndarray, x: float, foot: float, height: float, rng: Rng) -> None:
    """Draw a box on the ground with a lid and a band."""
    width, tall = height * rng.uniform(0.4, 0.7), height * rng.uniform(0.3, 0.55)
    colour = any_colour(rng, 60, 190)
    box(image, x - width / 2, foot - tall, width, tall, colour)
    box(image, x - width / 2, foot - tall, width, 0.22 * tall, shade(colour, 1.25))
    box(image, x - 0.06 * width, foot - tall, 0.12 * width, tall, shade(colour, 0.65))


def machine(image: np.ndarray, x: float, foot: float, height: float, rng: Rng) -> None:
    """Draw a vending machine: taller than a person, with rows of coloured goods."""
    tall, width = 1.12 * height, 0.5 * height
    left, top, colour = x - width / 2, foot - tall, any_colour(rng, 50, 170)
    box(image, left, top, width, tall, colour)
    box(image, left + 0.08 * width, top + 0.06 * tall, 0.62 * width, 0.66 * tall, (46, 42, 40))
    for row in range(4):
        for column in range(3):
            goods = (left + (0.12 + 0.2 * column) * width, top + (0.1 + 0.16 * row) * tall)
            box(image, *goods, 0.12 * width, 0.1 * tall, any_colour(rng, 60, 240))
    box(image, left + 0.78 * width, top + 0.2 * tall, 0.12 * width, 0.14 * tall, (200, 210, 190))
    box(image, left + 0.08 * width, top + 0.8 * tall, 0.62 * width, 0.1 * tall, shade(colour, 0.5))


def bush(image: np.ndarray, x: float, foot: float, height: float, rng: Rng) -> None:
    """Draw a low bush, wide enough to hide legs."""
    leaves = np.array([44, 96, 52]) * rng.uniform(0.7, 1.2)
    for _ in range(16):
        centre = (x + rng.normal(0, 0.14) * height, foot - height * rng.uniform(0.02, 0.2))
        colour = tuple(int(v) for v in np.clip(leaves * rng.uniform(0.75, 1.3), 0, 255))
        radius = int(height * rng.uniform(0.07, 0.13))
        cv2.circle(image, (int(centre[0]), int(centre[1])), radius, colour, -1, cv2.LINE_AA)


def bench(image: np.ndarray, x: float, foot: float, height: float, rng: Rng) -> None:
    """Draw a bench seen from behind."""
    width, tall = 0.9 * height, 0.36 * height
    colour = any_colour(rng, 50, 150)
    for k in range(3):
        box(image, x - width / 2, foot - tall + k * 0.26 * tall, width, 0.18 * tall, colour)
    for leg in (-0.4, 0.36):
        box(image, x + leg * width, foot - tall, 0.05 * width, tall, shade(colour, 0.6))
