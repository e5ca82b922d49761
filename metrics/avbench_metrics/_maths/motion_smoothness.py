"""How well every second frame of a clip can be predicted from its neighbours. Source: VBench, motion_smoothness."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from avbench.errors import Unscorable
from avbench.feature import Array


def predicted_frames(count: int) -> Array:
    """Indices 1, 3, 5 ... of the frames that have both neighbours, of ``count``; the last frame of an even number has not."""
    return np.arange(1, count - 1, 2)


def prediction_error(frame: Array, prediction: Array) -> float:
    """Mean absolute difference of two uint8 pictures of one size, in grey levels."""
    if frame.shape != prediction.shape:
        raise ValueError(f"Pictures of {frame.shape} and {prediction.shape} cannot be compared.")
    return float(np.abs(frame.astype(np.int16) - prediction.astype(np.int16)).mean())


def smoothness(errors: ArrayLike) -> float:
    """(255 - mean error) / 255, 1 for a clip that is predicted exactly, which a still picture is.

    Raises:
        Unscorable: no error, that is, fewer than three frames.
    """
    values = np.asarray(errors, dtype=np.float64)
    if not values.size:
        raise Unscorable("The clip has fewer than three frames; none lies between two others.", "too_short")
    return float((255.0 - values.mean()) / 255.0)
