"""Anti-aliased shapes from signed distances; coordinates run from 0 to 1, y downward."""

from __future__ import annotations

from functools import cache

import numpy as np

from avbench.feature import Array

COLOURS = {
    "red": (214, 50, 50),
    "green": (52, 160, 72),
    "blue": (52, 92, 214),
    "yellow": (200, 176, 40),
    "purple": (140, 60, 176),
    "orange": (220, 120, 36),
}
BACKGROUND = (34, 36, 42)
FLOOR = (78, 74, 70)


@cache
def _grid(size: int) -> tuple[Array, Array]:
    centres = (np.arange(size) + 0.5) / size
    return centres[None, :], centres[:, None]


def coverage(shape: str, x: float, y: float, radius: float, size: int) -> Array:
    """How much of each pixel the shape covers, float64 (size, size) in [0, 1]."""
    gx, gy = _grid(size)
    dx, dy = gx - x, gy - y
    if shape == "circle":
        distance = np.hypot(dx, dy) - radius
    elif shape == "square":
        distance = np.maximum(np.abs(dx), np.abs(dy)) - 0.86 * radius
    else:
        half = 0.62 * radius  # inradius of the triangle
        distance = np.maximum(dy - half, np.maximum(0.866 * dx - 0.5 * dy - half, -0.866 * dx - 0.5 * dy - half))
    return np.clip(0.5 - distance * size, 0.0, 1.0)


def ellipse(x: float, y: float, rx: float, ry: float, size: int) -> Array:
    """Coverage of an upright ellipse."""
    gx, gy = _grid(size)
    norm = np.hypot((gx - x) / rx, (gy - y) / ry)
    return np.clip(0.5 - (norm - 1.0) * min(rx, ry) * size, 0.0, 1.0)


def paint(image: Array, mask: Array, colour: Array) -> None:
    """Blend ``colour`` (3,) over float ``image`` (height, width, 3) in place."""
    image += mask[..., None] * (colour - image)


def whitened(colour: tuple[int, int, int], amount: float) -> Array:
    """The colour moved towards white by ``amount`` in [0, 1]."""
    base = np.asarray(colour, dtype=np.float64)
    return base + amount * (255.0 - base)


def canvas(size: int, *, floor: bool = False) -> Array:
    """An empty picture, float64 (size, size, 3)."""
    image = np.empty((size, size, 3))
    image[:] = BACKGROUND
    if floor:
        paint(image, np.clip((_grid(size)[1] - 0.88) * size + 0.5, 0, 1) * np.ones((1, size)), np.asarray(FLOOR, np.float64))
    return image
