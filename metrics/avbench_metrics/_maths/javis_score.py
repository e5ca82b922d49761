"""JavisScore and AVHScore: how far the sound agrees with the frames, by cosines of embeddings.

AVHScore (TAVGBench, arXiv 2404.14381) is the mean over frames. JavisScore (JavisDiT, arXiv 2503.23377) asks window by window and
lets the worst frames of each decide. Protocol ``official`` follows JavisVerse/JavisDiT, eval/javisbench.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from avbench.errors import Unscorable
from avbench.feature import Array

Protocol = Literal["official", "fixed"]

RATE = 16_000
SECONDS, OVERLAP = 2.0, 1.5
WORST = 0.4
SMALLEST_NORM = 1e-6


@dataclass(frozen=True)
class Windows:
    """Pairs of windows: pair i is ``frames`` frames from ``video[i]`` and ``samples`` samples at 16 kHz from ``audio[i]``."""

    video: tuple[int, ...]
    frames: int
    audio: tuple[int, ...]
    samples: int


def windows(frames: int, fps: float, samples: int, protocol: Protocol = "official") -> Windows:
    """Windows of 2 s, 0.5 s apart, the last ending with the clip.

    ``official`` counts frames and samples apart, in whole numbers: at 25 fps the picture moves by 0.52 s, the sound by 0.5 s, and
    the last pair may end at two different times. Where picture or sound has no more than 2 s, all of both is one pair. ``fixed``
    keeps to what picture and sound have in common and starts each window of sound with the nearest frame.

    Args:
        frames: of the picture.
        fps: frames per second, above 0.
        samples: of the sound at 16 kHz.
        protocol: ``official`` or ``fixed``.

    Raises:
        Unscorable: ``no_video`` or ``no_audio`` (nothing there), ``too_slow`` (so few frames per second that windows do not move).
        ValueError: fps is not above 0.
    """
    if fps <= 0:
        raise ValueError(f"A picture has more than 0 frames per second, not {fps}.")
    if frames < 1 or samples < 1:
        raise Unscorable("There is nothing to compare.", "no_video" if frames < 1 else "no_audio")
    return _on_two_clocks(frames, fps, samples) if protocol == "official" else _on_one_clock(frames, fps, samples)


def _on_two_clocks(frames: int, fps: float, samples: int) -> Windows:
    width, length = int(SECONDS * fps), int(SECONDS * RATE)
    if frames <= width or samples <= length:
        return Windows((0,), frames, (0,), samples)
    stride = width - int(OVERLAP * fps)
    if not stride:
        raise Unscorable(f"At {fps:g} fps a window does not move from one frame to the next.", "too_slow")
    video = window_starts(frames, width, stride)
    audio = window_starts(samples, length, length - int(OVERLAP * RATE))
    pairs = min(len(video), len(audio))
    return Windows(video[:pairs], width, audio[:pairs], length)


def _on_one_clock(frames: int, fps: float, samples: int) -> Windows:
    width, length = int(SECONDS * fps), int(SECONDS * RATE)
    common = min(samples, round(frames * RATE / fps))
    if not width:
        raise Unscorable(f"At {fps:g} fps a window of {SECONDS:g} s holds no frame.", "too_slow")
    if common <= length:
        return Windows((0,), min(frames, max(1, math.floor(common * fps / RATE + 0.5))), (0,), common)
    audio = window_starts(common, length, length - int(OVERLAP * RATE))
    video = tuple(min(math.floor(start * fps / RATE + 0.5), frames - width) for start in audio)
    return Windows(video, width, audio, length)


def window_starts(total: int, length: int, stride: int) -> tuple[int, ...]:
    """0, stride, ... until a window reaches the end; that one is moved back to end there. stride <= length <= total."""
    before = range(0, total - length, stride)
    return (*before, total - length)


def javis_score(frames: Array, sounds: Array, pairs: Windows, protocol: Protocol = "official") -> float:
    """Mean over windows of the mean of the ``int(0.4 * frames)`` smallest cosines of frame and sound, in [-1, 1].

    Args:
        frames: (T, D) embeddings of all frames.
        sounds: (windows, D) embeddings of the sound of each window.
        pairs: from ``windows``.
        protocol: with too few frames for one to be counted (under 3 in a window) ``official`` answers NaN.

    Raises:
        Unscorable: ``not_finite``; with ``fixed`` also ``too_short``, under 3 frames in a window.
        ValueError: shapes do not fit each other.
    """
    if len(sounds) != len(pairs.audio) or len(frames) < max(pairs.video) + pairs.frames:
        raise ValueError(f"{len(frames)} frames and {len(sounds)} windows of sound do not fit {pairs}.")
    counted = int(pairs.frames * WORST)
    if not counted:
        if protocol == "official":
            return math.nan
        raise Unscorable(f"A window of {pairs.frames} frames is too short for its worst {WORST:.0%} to be a frame.", "too_short")
    means = []
    for start, sound in zip(pairs.video, sounds, strict=True):
        cosines = _cosines(frames[start : start + pairs.frames], sound)
        means.append(np.sort(cosines)[:counted].mean())
    return float(np.mean(means))


def avh_score(frames: Array, sound: Array) -> float:
    """Mean cosine of frame embeddings (T, D) and the embedding of the whole sound (D,), in [-1, 1].

    Raises:
        Unscorable: ``no_video`` (no frame) or ``not_finite``.
        ValueError: shapes do not fit each other.
    """
    if not len(frames):
        raise Unscorable("There is no frame to compare.", "no_video")
    return float(_cosines(frames, sound).mean())


def _cosines(frames: Array, sound: Array) -> Array:
    first, second = np.asarray(frames, dtype=np.float64), np.asarray(sound, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 1 or first.shape[1] != len(second):
        raise ValueError(f"Embeddings must be (T, D) and (D,), not {first.shape} and {second.shape}.")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise Unscorable("An embedding holds NaN or infinity.", "not_finite")
    norms = np.maximum(np.linalg.norm(first, axis=1), SMALLEST_NORM) * max(float(np.linalg.norm(second)), SMALLEST_NORM)
    return np.asarray(first @ second / norms)
