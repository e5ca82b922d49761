"""LSE-D, LSE-C and the offset of mouth and voice from SyncNet's embeddings.

Sources: Chung and Zisserman 2016; github.com/joonson/syncnet_python; the names LSE-D and LSE-C are of Prajwal et al. 2020
(arXiv 2008.10010).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avbench.errors import Unscorable

FRAMES, SAMPLES_PER_FRAME, STEPS_PER_FRAME = 5, 640, 4  # 25 frames, 16,000 samples and 100 MFCC steps a second
SHIFT = 15
EPSILON = 1e-6  # added to every difference, as torch's pairwise_distance does


class LipScores(NamedTuple):
    """``offset`` in frames of 40 ms: the mouth of frame i fits the sound of frame i - offset best, so sound that comes early
    has a positive one. ``distance`` is LSE-D (lower is better), ``confidence`` LSE-C (higher is better); neither is negative.
    """

    offset: int
    distance: float
    confidence: float


def window_count(frames: int, samples: int) -> int:
    """How many windows of five frames SyncNet judges: the shorter of picture and sound, less five.

    One window more would fit; the official code leaves it out.

    Args:
        frames: pictures at 25 fps.
        samples: sound at 16 kHz.

    Raises:
        Unscorable: ``too_short``, no window.
    """
    shared = min(frames, samples // SAMPLES_PER_FRAME)
    if shared <= FRAMES:
        raise Unscorable(f"Picture and sound share {shared} frames; SyncNet needs {FRAMES + 1}.", "too_short")
    return shared - FRAMES


def distances(lips: ArrayLike, sounds: ArrayLike, shift: int = SHIFT) -> NDArray[np.float64]:
    """Distance of every mouth to the sounds around it; before the first and behind the last sound lie zeros.

    Args:
        lips: embeddings (n, D) of consecutive windows.
        sounds: embeddings (n, D) of the sound beside them.
        shift: frames looked at on either side.

    Returns:
        float64 (n, 2 shift + 1); [i, k] is the distance of lips i to sound i + k - shift.

    Raises:
        ValueError: shapes that differ or hold nothing.
        Unscorable: ``not_finite``.
    """
    mouth, voice = np.asarray(lips, dtype=np.float64), np.asarray(sounds, dtype=np.float64)
    if mouth.ndim != 2 or mouth.shape != voice.shape or not mouth.size:
        raise ValueError(f"Embeddings must be (n, D) and alike, not {mouth.shape} and {voice.shape}.")
    if not (np.isfinite(mouth).all() and np.isfinite(voice).all()):
        raise Unscorable("An embedding holds NaN or infinity.", "not_finite")
    padded = np.pad(voice, ((shift, shift), (0, 0)))
    columns = [np.linalg.norm(mouth - padded[k : k + len(mouth)] + EPSILON, axis=1) for k in range(2 * shift + 1)]
    return np.stack(columns, axis=1)


def lip_scores(found: NDArray[np.float64]) -> LipScores:
    """Offset, LSE-D and LSE-C of ``distances``: the least mean distance over shifts, where it lies, and how far it lies
    below the median of them all.

    Args:
        found: (n, 2 shift + 1); the number of shifts is odd, so the median is one of the means.
    """
    means = found.mean(axis=0)
    least = int(means.argmin())
    distance = float(means[least])
    return LipScores(len(means) // 2 - least, distance, float(np.median(means)) - distance)
