"""Scales, axes and bars as SVG elements; colours come from the style sheet by class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avbench.leaderboard.tables import number
from avbench.leaderboard.view.page import escape

BINS = 25


@dataclass(frozen=True)
class Scale:
    """A straight map from values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def at(self, value: float) -> str:
        """The pixel, cut to the drawing, as SVG writes it."""
        left, right = sorted((self.start, self.end))
        return coordinate(min(right, max(left, self(value))))


def coordinate(pixels: float) -> str:
    """A tenth of a pixel is enough."""
    return f"{pixels:.1f}".removesuffix(".0")


def span(values: Sequence[float], *, symmetric: bool = False, least: float = 0.0) -> tuple[float, float]:
    """A range that holds all values with some air; never empty.

    Args:
        values: at least one.
        symmetric: zero stands in the middle.
        least: zero in the middle and at least so far on both sides.
    """
    low, high = min(values), max(values)
    if symmetric or least:
        high = max(abs(low), abs(high), least)
        low = -high
    room = 0.04 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About ``count`` round values (1, 2 or 5 times a power of ten) within a range."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def tick_label(value: float) -> str:
    """Round values need few digits."""
    return f"{value:.6g}"


def axis_below(scale: Scale, y: float, words: str) -> str:
    """A horizontal axis with ticks, numbers and what it shows."""
    parts = [f'<path class="axis" d="M{coordinate(scale.start)} {coordinate(y)}H{coordinate(scale.end)}"/>']
    for value in ticks(scale.low, scale.high):
        x = scale.at(value)
        parts.append(f'<path class="axis" d="M{x} {coordinate(y)}v4"/>')
        parts.append(f'<text class="tick" x="{x}" y="{coordinate(y + 15)}" text-anchor="middle">{tick_label(value)}</text>')
    middle = coordinate((scale.start + scale.end) / 2)
    parts.append(f'<text class="words" x="{middle}" y="{coordinate(y + 29)}" text-anchor="middle">{escape(words)}</text>')
    return "".join(parts)


def axis_left(scale: Scale, x: float) -> str:
    """A vertical axis with ticks and numbers; ``scale`` runs from the bottom to the top."""
    parts = [f'<path class="axis" d="M{coordinate(x)} {coordinate(scale.start)}V{coordinate(scale.end)}"/>']
    for value in ticks(scale.low, scale.high, 4):
        y = scale.at(value)
        parts.append(f'<path class="axis" d="M{coordinate(x)} {y}h-4"/>')
        parts.append(f'<text class="tick" x="{coordinate(x - 6)}" y="{y}" dy="3.5" text-anchor="end">{tick_label(value)}</text>')
    return "".join(parts)


def bars(values: Sequence[float], scale: Scale, bottom: float, height: float, kind: str) -> str:
    """A histogram over the scale's range, the fullest bin as high as asked; each bar says its bin and count on hover."""
    counts, edges = np.histogram(values, bins=BINS, range=(scale.low, scale.high))
    parts = []
    for count, left, right in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if count:
            tall = height * count / int(counts.max())
            parts.append(
                f'<rect class="{kind}" x="{scale.at(left)}" y="{coordinate(bottom - tall)}" '
                f'width="{coordinate(scale(right) - scale(left) - 0.5)}" height="{coordinate(tall)}">'
                f"<title>{count} in {number(left)} to {number(right)}</title></rect>"
            )
    return "".join(parts)


def svg(width: float, height: float, label: str, body: str) -> str:
    """A drawing that shrinks with its place but never grows; ``label`` is what a screen reader says."""
    size = f'width="{coordinate(width)}" height="{coordinate(height)}" viewBox="0 0 {coordinate(width)} {coordinate(height)}"'
    return f'<svg {size} role="img" aria-label="{escape(label)}">{body}</svg>'
