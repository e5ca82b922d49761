"""What benchmarks make of dense optical flow.

Published statistics, bug for bug, and beside two of them a form that depends neither on the size of the picture nor on the
frame rate. Flow is (2, H, W): pixels to the right, pixels down, from one frame to the next.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from avbench.errors import Unscorable
from avbench.feature import Array

TOP = 0.05  # share of pixels that dynamic degree looks at
STATIC_TOP = 0.02  # that VBench's filter of static clips looks at
THRESHOLD = 6.0 / 256.0  # of the shorter side, per pair of frames an eighth of a second apart
RATE = 8.0  # pairs per second that the threshold means
ENOUGH = 0.25  # share of pairs that must move
LONGEST = 640  # pixels; Verse-Bench halves above


def top_length(flow: Array, share: float = TOP) -> float:
    """Mean length of the longest 5 % (or another share) of the vectors, in pixels. Source: VBench, dynamic_degree.

    Raises:
        Unscorable: so few pixels that the share of them is none (under 20 for 5 %).
    """
    lengths = np.hypot(flow[0], flow[1]).astype(np.float64).ravel()
    count = int(lengths.size * share)
    if not count:
        raise Unscorable(f"A flow of {lengths.size} pixels has no top {100 * share:g} %.", "too_small")
    return float(np.partition(lengths, lengths.size - count)[-count:].mean())


def sampled_frames(count: int, fps: float) -> Array:
    """Indices of the frames that VBench's dynamic degree takes: every round(fps / 8)-th of ``count``, at least every one.

    The pairs are an eighth of a second apart only if fps is a multiple of 8: at 25 they are 0.12 s, at 30 (4 frames) 0.133 s.
    """
    return np.arange(0, count, max(1, round(fps / RATE)))


def is_dynamic_official(tops: ArrayLike, side: int) -> bool:
    """VBench's verdict on one clip; the dimension is the share of clips that move.

    A pair moves above 6 * side / 256 pixels; the clip moves with round(frames / 4) such pairs, halves to even. That is no
    pair at all for two frames, so such a clip always moves, and a clip of one frame never does.

    Args:
        tops: ``top_length`` of each pair of sampled frames, (frames - 1,).
        side: the shorter side of the picture before padding, in pixels.
    """
    lengths = np.asarray(tops, dtype=np.float64)
    needed = round(4 * ((len(lengths) + 1) / 16.0))
    return bool(len(lengths) and np.count_nonzero(lengths > 6.0 * (side / 256.0)) >= needed)


def is_static(tops: ArrayLike, ends: ArrayLike, side: int) -> bool:
    """Whether VBench's filter (static_filter.py) keeps a clip for temporal flickering.

    At most round(2 frames / 16) pairs of neighbours, halves to even, may move more than 3 * side / 256 pixels, and the first and
    the last frame no further apart, there or back, than twice that many such lengths: not at all in a clip of up to four frames.

    Args:
        tops: ``top_length`` of 2 % for each pair of neighbours, (frames - 1,).
        ends: the same from first to last frame and from last to first, (2,).
        side: the shorter side of the picture before padding, in pixels.
    """
    lengths = np.asarray(tops, dtype=np.float64)
    allowed = round(2 * ((len(lengths) + 1) / 16.0))
    length = 3.0 * (side / 256.0)
    return bool(np.count_nonzero(lengths > length) <= allowed and (np.asarray(ends) <= length * allowed * 2).all())


def is_dynamic(tops: ArrayLike, side: int, seconds: ArrayLike) -> bool:
    """``is_dynamic_official`` without its dependence on rate and rounding: a quarter of the pairs, and at least one, must be
    faster than 6 / 256 of the shorter side in an eighth of a second.

    Args:
        tops: as there.
        side: as there.
        seconds: presentation times of the frames, one more than pairs.

    Raises:
        Unscorable: see ``speeds``.
    """
    fast = speeds(tops, side, seconds) > THRESHOLD * RATE
    return bool(fast.any() and fast.mean() >= ENOUGH)


def speeds(lengths: ArrayLike, side: int, seconds: ArrayLike) -> Array:
    """Lengths of flow (pairs,) in pixels as speeds (pairs,): shorter sides of the picture per second.

    Raises:
        Unscorable: no pair, or two frames at one time.
        ValueError: times and lengths that do not fit each other.
    """
    values, times = np.asarray(lengths, dtype=np.float64), np.asarray(seconds, dtype=np.float64)
    if not values.size:
        raise Unscorable("The clip has one frame; motion needs two.", "too_short")
    if times.shape != (len(values) + 1,):
        raise ValueError(f"{len(values)} pairs need {len(values) + 1} times, not {times.shape}.")
    steps = np.diff(times)
    if (steps <= 0).any():
        raise Unscorable("Two frames have one time; there is no speed between them.", "unreadable")
    return np.asarray(values / side / steps)


def halved_size(width: int, height: int) -> tuple[int, int]:
    """Size at which Verse-Bench computes flow: both sides halved, rounded down, until neither exceeds 640.

    A picture 641 wide is thus seen at 320 and its motion counts half of that of one 640 wide.
    """
    while max(width, height) > LONGEST:
        width, height = width // 2, height // 2
    return width, height


def mean_component(flow: Array) -> float:
    """Mean size of the flow's components, in pixels: right and down count as separate numbers.

    Verse-Bench's motion score of a clip is the mean of this over all neighbouring frames, at the clip's own rate and at
    ``halved_size``, padded, at the padding too. Source: github.com/Dorniwang/Verse-Bench, whose released script never calls it.
    """
    return float(np.abs(flow.astype(np.float64)).mean())


def mean_length(flow: Array) -> float:
    """Mean length of the vectors, in pixels: the same for motion in every direction, unlike ``mean_component``."""
    return float(np.hypot(flow[0].astype(np.float64), flow[1].astype(np.float64)).mean())


def motion_score_official(components: ArrayLike) -> float:
    """Verse-Bench's motion score from ``mean_component`` of each pair; raises ``Unscorable`` where there is none."""
    values = np.asarray(components, dtype=np.float64)
    if not values.size:
        raise Unscorable("The clip has one frame; motion needs two.", "too_short")
    return math.fsum(values) / len(values)


def motion_score(lengths: ArrayLike, side: int, seconds: ArrayLike) -> float:
    """Mean speed in shorter sides per second from ``mean_length`` of each pair, weighted by time; see ``speeds``.

    Args:
        lengths: in pixels of the picture that flow ran on, (pairs,).
        side: that picture's shorter side, in pixels.
        seconds: presentation times of the frames, (pairs + 1,).
    """
    times = np.asarray(seconds, dtype=np.float64)
    return float(np.average(speeds(lengths, side, seconds), weights=np.diff(times)))
