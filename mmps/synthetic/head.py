"""Head, hair, face, hat and bag of a figure."""

from __future__ import annotations

from .body import Body
from .canvas import Canvas, Point
from .clothes import darker


def draw_head(canvas: Canvas, body: Body) -> None:
    """Draw head, hair, face and hat."""
    look, view = body.look, body.pose.view
    rx, ry = body.style.head
    centre = body.at(0.012 if view == 'side' else 0, ry + 0.004)
    x, y = centre
    if view == 'back':
        canvas.ellipse(centre, (rx, ry), look.hair)
        if look.hair_style == 'long':
            canvas.polygon(_mane(x, y, rx, ry), look.hair)
    else:
        canvas.ellipse(centre, (rx, ry), look.skin)
        if view == 'side':
            canvas.polygon(
                [
                    (x + 0.9 * rx, y - 0.1 * ry),
                    (x + 1.2 * rx, y + 0.22 * ry),
                    (x + 0.85 * rx, y + 0.3 * ry),
                ],
                look.skin,
            )
            canvas.ellipse(
                (x - 0.1 * rx, y - 0.1 * ry), (rx * 1.02, ry * 1.02), look.hair, 150, 318
            )
            canvas.ellipse((x - 0.45 * rx, y - 0.1 * ry), (0.58 * rx, 0.72 * ry), look.hair)
        else:
            canvas.ellipse((x, y - 0.12 * ry), (rx * 1.06, ry * 0.98), look.hair, 188, 352)
        _draw_face(canvas, x, y, body)
    if look.hair_style == 'bun':
        bun_x = x - 0.95 * rx if view == 'side' else x
        canvas.ellipse((bun_x, y - 0.8 * ry), (0.48 * rx, 0.4 * ry), look.hair)
    _draw_hat(canvas, x, y, body)


def _mane(x: float, y: float, rx: float, ry: float) -> list[Point]:
    return [(x - rx, y), (x + rx, y), (x + 1.05 * rx, y + 1.6 * ry), (x - 1.05 * rx, y + 1.6 * ry)]


def _draw_face(canvas: Canvas, x: float, y: float, body: Body) -> None:
    rx, ry = body.style.head
    outline, canvas.outline = canvas.outline, 0
    for eye in (0.62,) if body.side else (-0.4, 0.4):
        canvas.ellipse((x + eye * rx, y + 0.05 * ry), (0.12 * rx, 0.1 * ry), (38, 32, 30))
    mouth = 0.7 if body.side else 0.0
    lips = darker(body.look.skin, 0.62)
    canvas.ellipse((x + mouth * rx, y + 0.55 * ry), (0.26 * rx, 0.07 * ry), lips)
    canvas.outline = outline


def _draw_hat(canvas: Canvas, x: float, y: float, body: Body) -> None:
    look, view = body.look, body.pose.view
    rx, ry = body.style.head
    if look.hat == 'none':
        return
    canvas.ellipse((x, y - 0.22 * ry), (1.1 * rx, 0.86 * ry), look.hat_colour, 180, 360)
    if look.hat == 'beanie':
        band = [(x - 1.1 * rx, y - 0.42 * ry), (x + 1.1 * rx, y - 0.42 * ry)]
        band += [(x + 1.1 * rx, y - 0.16 * ry), (x - 1.1 * rx, y - 0.16 * ry)]
        canvas.polygon(band, darker(look.hat_colour, 0.72))
    elif view == 'side':
        canvas.ellipse((x + 1.15 * rx, y - 0.26 * ry), (0.62 * rx, 0.13 * ry), look.hat_colour)
    elif view == 'front':
        canvas.ellipse((x, y - 0.26 * ry), (0.95 * rx, 0.16 * ry), darker(look.hat_colour, 0.75))


def draw_bag(canvas: Canvas, body: Body) -> None:
    """Draw the part of a bag that is in front of the body."""
    look, style, view = body.look, body.style, body.pose.view
    strap = darker(look.bag_colour, 0.6)
    torso = style.hip - style.shoulder
    if look.bag == 'backpack' and view == 'back':
        centre = body.at(0, style.shoulder + 0.47 * torso)
        canvas.ellipse(centre, (0.92 * body.shoulder_width, 0.45 * torso), look.bag_colour)
        canvas.ellipse(
            (centre[0], centre[1] + 0.16 * torso), (0.6 * body.shoulder_width, 0.2 * torso), strap
        )
    elif look.bag == 'backpack' and view == 'front':
        for sign in (-1, 1):
            x = 0.62 * sign * body.shoulder_width
            ends = [
                body.at(x, style.shoulder + 0.005),
                body.at(1.1 * x, style.shoulder + 0.5 * torso),
            ]
            canvas.limb(ends, [0.012, 0.012], look.bag_colour)
    elif look.bag == 'shoulder':
        reach = 0.03 if body.side else 0.95 * body.shoulder_width
        high = body.at(-0.6 * reach, style.shoulder + 0.01)
        low = body.at(reach, style.hip - 0.01)
        canvas.limb([high, low], [0.009, 0.009], strap)
        canvas.ellipse((low[0], low[1] + 0.03), (0.062, 0.05), look.bag_colour)
    elif look.bag == 'hand':
        x, y = body.arm(-1)[2]
        corners = [
            (x - 0.05, y + 0.05),
            (x + 0.05, y + 0.05),
            (x + 0.06, y + 0.15),
            (x - 0.06, y + 0.15),
        ]
        canvas.limb([(x, y), (x, y + 0.06)], [0.008, 0.008], strap)
        canvas.polygon(corners, look.bag_colour)
