"""The square around a face that SyncNet looks at.

Sources: github.com/joonson/syncnet_python (run_pipeline.py: scale 0.40, smoothed) and Dorniwang/Verse-Bench (scale 0.3, each
frame by itself).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avbench.errors import Unscorable
from avbench.feature import Array

SCALE, VERSE_BENCH_SCALE = 0.40, 0.3
GREY = 110
SIDE = 224
SMOOTHED_FRAMES = 13


def squares(boxes: ArrayLike) -> NDArray[np.float64]:
    """Centre x, centre y and half the longer side of (left, top, right, bottom) boxes: float64 (frames, 3) from (frames, 4)."""
    left, top, right, bottom = np.asarray(boxes, dtype=np.float64).T
    return np.stack([(left + right) / 2, (top + bottom) / 2, np.maximum(right - left, bottom - top) / 2], axis=1)


def smoothed(track: NDArray[np.float64]) -> NDArray[np.float64]:
    """Running median of ``squares`` over 13 frames, float64 (frames, 3).

    Beyond both ends lie zeros, as in scipy's ``medfilt``: the first and last six frames get less than the median of the frames
    around them, and a track of six frames or fewer gets zeros.
    """
    half = SMOOTHED_FRAMES // 2
    padded = np.pad(track, ((half, half), (0, 0)))
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, SMOOTHED_FRAMES, axis=0), axis=2))


def crop(picture: Array, square: ArrayLike, scale: float = SCALE) -> Array:
    """The face with some room at the sides and more below, so that the mouth lies near the middle.

    Args:
        picture: uint8 (height, width, channels); beyond its edges lies grey 110.
        square: centre x, centre y and half side in pixels, a row of ``squares``.
        scale: room at each side as a share of the half side; below the face it is twice that.

    Returns:
        uint8 (rows, columns, channels), about 2 (1 + scale) half sides high and wide.

    Raises:
        Unscorable: ``face_outside``, the square does not lie on the picture.
    """
    x, y, half = (float(value) for value in np.asarray(square))
    margin = int(half * (1 + 2 * scale))
    padded = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), constant_values=GREY)
    top, bottom = int(y + margin - half), int(y + margin + half * (1 + 2 * scale))
    left, right = int(x + margin - half * (1 + scale)), int(x + margin + half * (1 + scale))
    if not (0 <= top < min(bottom, padded.shape[0]) and 0 <= left < min(right, padded.shape[1])):
        raise Unscorable(f"A face at ({x:.0f}, {y:.0f}) lies outside the picture.", "face_outside")
    return padded[top:bottom, left:right]


def face(picture: Array, square: ArrayLike, scale: float = SCALE) -> Array:
    """``crop``, resized bilinearly to uint8 (224, 224, channels) without regard to its own proportions."""
    import cv2

    return np.asarray(cv2.resize(crop(picture, square, scale), (SIDE, SIDE)))
