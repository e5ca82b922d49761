"""From a clip's length to the windows that Synchformer judges, and from its answers to one offset.

Four protocols answer "by how many seconds are picture and sound apart" with one network. A segment is 0.64 s and begins 0.32 s
after the one before; the network takes 14 of them (4.8 s) and chooses among 21 offsets.

=============  =====================================================================  ===============================
protocol       windows                                                                 score
=============  =====================================================================  ===============================
javisbench     ``tiled_windows(n, repeat=True)``: 14 by 14, the last are the last 14   mean of the absolute offsets
av_benchmark   ``end_windows(n)``: the first 14 and the last 14 (also MOVA's)          mean of the absolute offsets
verse_bench    ``opening_window``: 11 segments centred in the first 4 s                signed: late and early cancel
fixed          ``tiled_windows(n)``: as JavisBench, but no segment stands for another  mean of the absolute offsets
=============  =====================================================================  ===============================

Sources: github.com/JavisVerse/JavisDiT (eval/javisbench), hkchengrex/av-benchmark, OpenMOSS/MOVA, Dorniwang/Verse-Bench.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avbench.errors import Unscorable

FPS, RATE = 25, 16_000
FRAMES, FRAME_STRIDE = 16, 8
SAMPLES, SAMPLE_STRIDE = 10_240, 5_120
WINDOW = 14
GRID = np.arange(-10, 11) / 5  # seconds
OPENING_SECONDS, OPENING_SEGMENTS = 4, 11

Indices = NDArray[np.int64]


def segment_starts(length: int, size: int, stride: int, first: int = 0) -> Indices:
    """First indices of the segments of ``size`` that fit into ``length``, int64 (S,); S may be 0."""
    return np.arange(first, length - size + 1, stride)


def segment_count(frames: int, samples: int) -> int:
    """Number of segments that have both picture (25 fps) and sound (16 kHz)."""
    return min(len(segment_starts(frames, FRAMES, FRAME_STRIDE)), len(segment_starts(samples, SAMPLES, SAMPLE_STRIDE)))


def tiled_windows(segments: int, *, repeat: bool = False) -> Indices:
    """Windows side by side; if a rest remains, the last window is the last 14 segments.

    Args:
        segments: how many the clip has.
        repeat: begin again from the first segment where a clip has fewer than 14.

    Returns:
        int64 (W, 14) of segment numbers.

    Raises:
        Unscorable: ``too_short``: no segment at all, or fewer than 14 without ``repeat``.
    """
    if repeat and 0 < segments < WINDOW:
        return np.arange(WINDOW)[None] % segments
    _need(segments, 1 if repeat else WINDOW)
    starts = list(range(0, segments - WINDOW + 1, WINDOW))
    if segments % WINDOW:
        starts.append(segments - WINDOW)
    return np.asarray(starts)[:, None] + np.arange(WINDOW)


def end_windows(segments: int) -> Indices:
    """The first and the last 14 segments, which overlap in clips under 9.28 s and are equal in those of 14 segments.

    Returns:
        int64 (2, 14) of segment numbers.

    Raises:
        Unscorable: ``too_short``, fewer than 14 segments (4.8 s).
    """
    _need(segments, WINDOW)
    return np.asarray([[0], [segments - WINDOW]]) + np.arange(WINDOW)


def opening_window(frames: int, samples: int) -> tuple[Indices, Indices]:
    """Verse-Bench's 11 segments, centred in the first 4 s; nothing behind them is judged.

    Returns:
        First frames (11,) at 25 fps, beginning with 2, and first samples (11,) at 16 kHz, beginning with 1280.

    Raises:
        Unscorable: ``too_short``, picture or sound under 4 s; the official code stops with an assertion.
    """
    length = OPENING_SECONDS * FPS
    if frames < length or samples < OPENING_SECONDS * RATE:
        seconds = min(frames / FPS, samples / RATE)
        raise Unscorable(f"The clip has {seconds:.2f} s of picture and sound; AV-A takes {OPENING_SECONDS} s.", "too_short")
    first = (length - FRAMES - (OPENING_SEGMENTS - 1) * FRAME_STRIDE) // 2
    number = np.arange(OPENING_SEGMENTS)
    return first + FRAME_STRIDE * number, first * RATE // FPS + SAMPLE_STRIDE * number


def offset(logits: ArrayLike, *, signed: bool = False) -> float:
    """Mean over the windows of the likeliest offset.

    Args:
        logits: (W, 21) over -2, -1.8 ... 2 s.
        signed: keep the sign, as Verse-Bench does; else each window counts with its distance from zero.

    Returns:
        Seconds: 0..2, or -2..2 if signed; each window's is a multiple of 0.2.

    Raises:
        ValueError: another shape, or no window.
        Unscorable: ``not_finite``.
    """
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(GRID) or not len(values):
        raise ValueError(f"Logits must be (windows, {len(GRID)}), not {values.shape}.")
    if not np.isfinite(values).all():
        raise Unscorable("The network answered NaN or infinity.", "not_finite")
    seconds = GRID[values.argmax(axis=1)]
    return float((seconds if signed else np.abs(seconds)).mean())


def _need(segments: int, least: int) -> None:
    if segments < least:
        raise Unscorable(f"The clip has {segments} segments of 0.64 s; {least} are needed.", "too_short")
