"""One drawn person: a jointed figure with the clothes of its look, in its pose."""

from __future__ import annotations

import numpy as np

from .appearance import Look, Pose
from .body import Body, Style
from .canvas import Canvas, Paint, Point
from .clothes import darker, garment
from .head import draw_bag, draw_head


def draw_figure(
    look: Look, pose: Pose, style: Style, height: float, light: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one person.

    Args:
        look: The identity.
        pose: View and step of the person.
        style: The domain's way of drawing.
        height: Height of the person in pixels.
        light: Where the light comes from, -1 (left) to 1 (right).

    Returns:
        ``(h, w, 3)`` BGR 0..255, multiplied by the coverage, and ``(h, w)`` coverage 0..1; the
        feet stand at the lower edge's middle, less a margin of 3 % of the height.
    """
    oversampling = 3 if height < 90 else 2
    canvas = Canvas(height, 0.82, oversampling, style.outline)
    girth = style.girth * look.build
    body = Body(style, look, pose, shoulder_width=0.105 * girth, hip_width=0.088 * girth)
    top = garment(look, canvas, chest=(style.shoulder + style.hip) / 2)
    _draw_back_layer(canvas, body)
    _draw_limbs(canvas, body, top, far=True)
    _draw_lower_body(canvas, body)
    _draw_torso(canvas, body, top)
    draw_head(canvas, body)
    _draw_limbs(canvas, body, top, far=False)
    draw_bag(canvas, body)
    canvas.shade(-light if pose.mirrored else light, style.shading)
    colour, alpha = canvas.finish()
    return (colour[:, ::-1], alpha[:, ::-1]) if pose.mirrored else (colour, alpha)


def _draw_back_layer(canvas: Canvas, body: Body) -> None:
    """Draw what is behind the body: a backpack seen from the side or in front, long hair."""
    style, look, view = body.style, body.look, body.pose.view
    torso = style.hip - style.shoulder
    if look.bag == 'backpack' and view == 'side':
        centre = body.at(-0.105, style.shoulder + 0.45 * torso)
        canvas.ellipse(centre, (0.065, 0.45 * torso), look.bag_colour)
    if look.hair_style == 'long' and view != 'back':
        rx, ry = style.head
        x = -0.35 * rx if view == 'side' else 0
        canvas.ellipse(body.at(x, ry * 1.45), (rx * 1.12, ry * 1.3), darker(look.hair, 0.85))


def _draw_limbs(canvas: Canvas, body: Body, top: Paint, *, far: bool) -> None:
    """Draw the arms: in front and back views behind the body, in side views one on each side."""
    behind, before = ((1,), (-1,)) if body.side else ((1, -1), ())
    girth = body.look.build * body.style.girth
    top = darker(top, 0.86)
    for sign in behind if far else before:
        shoulder, elbow, wrist = body.arm(sign)
        widths = [0.033 * girth, 0.027 * girth, 0.021 * girth]
        canvas.ellipse(wrist, (0.023, 0.028), body.look.skin)
        if body.look.sleeves == 'long':
            canvas.limb([shoulder, elbow, wrist], widths, top)
        else:
            canvas.limb([shoulder, elbow, wrist], widths, body.look.skin)
            cuff = (0.35 * shoulder[0] + 0.65 * elbow[0], 0.35 * shoulder[1] + 0.65 * elbow[1])
            canvas.limb([shoulder, cuff], [0.037 * girth, 0.034 * girth], top)


def _draw_lower_body(canvas: Canvas, body: Body) -> None:
    look, style = body.look, body.style
    girth = look.build * style.girth
    for sign, shade in ((-1, 0.82 if body.side else 1.0), (1, 1.0)):
        hip, knee, ankle = body.leg(sign)
        _draw_shoe(canvas, body, ankle, sign)
        widths = [0.056 * girth, 0.042 * girth, 0.031 * girth]
        cloth = darker(look.bottom, shade)
        if look.legwear == 'trousers':
            canvas.limb([hip, knee, ankle], widths, cloth)
            continue
        canvas.limb([hip, knee, ankle], [0.05 * girth, 0.034 * girth, 0.024 * girth], look.skin)
        if look.legwear == 'shorts':
            canvas.limb([hip, knee], [0.06 * girth, 0.055 * girth], cloth)
    if look.legwear == 'skirt':
        hem, waist = 0.115 * girth, 0.075 * girth
        low, high = 0.5 * style.hip + 0.45, style.hip - 0.05
        corners = [(-waist, high), (waist, high), (hem, low), (-hem, low)]
        canvas.polygon([body.at(*corner) for corner in corners], look.bottom)


def _draw_shoe(canvas: Canvas, body: Body, ankle: Point, sign: int) -> None:
    x, y = ankle
    if body.side:
        sole = [(x - 0.035, y - 0.02), (x + 0.03, y - 0.015), (x + 0.085, y + 0.02)]
        canvas.polygon([*sole, (x + 0.085, y + 0.042), (x - 0.04, y + 0.042)], body.look.shoes)
    else:
        canvas.ellipse((x + 0.012 * sign, y + 0.012), (0.036, 0.032), body.look.shoes)


def _draw_torso(canvas: Canvas, body: Body, top: Paint) -> None:
    style, look = body.style, body.look
    shoulder, waist, hem = body.shoulder_width, 0.88 * body.shoulder_width, body.hip_width
    if body.side:
        shoulder, waist, hem = 0.068 * look.build, 0.07 * look.build, 0.076 * look.build
        shoulder, waist, hem = (width * style.girth for width in (shoulder, waist, hem))
    y0, y2 = style.shoulder, style.hip + style.coat
    y1 = 0.4 * y0 + 0.6 * style.hip
    neck = 0.035 * look.build
    canvas.limb([body.at(0, y0 - 0.05), body.at(0, y0 + 0.01)], [neck, neck], look.skin)
    half = [(neck, y0 - 0.012), (0.86 * shoulder, y0 + 0.006), (1.1 * shoulder, y0 + 0.04)]
    half += [(waist, y1), (hem * 1.08, y2)]
    outline = [body.at(x, y) for x, y in half] + [body.at(-x, y) for x, y in reversed(half)]
    canvas.polygon(outline, top)
