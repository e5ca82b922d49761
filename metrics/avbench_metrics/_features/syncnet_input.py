"""What SyncNet's two towers are given: MFCC windows and stacks of five faces."""

from __future__ import annotations

import numpy as np

from avbench.feature import Array
from avbench_metrics._maths.lip_sync import FRAMES, STEPS_PER_FRAME

RATE = 16_000
COEFFICIENTS, STEPS = 13, FRAMES * STEPS_PER_FRAME


def int16(samples: Array) -> Array:
    """float (n,) in -1..1 to int16 (n,), rounded and clipped, as a 16-bit file holds them."""
    return np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)


def cepstra(samples: Array) -> Array:
    """MFCC of python_speech_features 0.6 with its defaults, float32 (13, steps of 10 ms).

    25 ms rectangular windows, pre-emphasis 0.97, 512-point FFT, 26 mel filters, lifter 22, first coefficient replaced by the
    log energy. Levels count: the network was trained on 16-bit samples.

    Args:
        samples: int16 (n,) at 16 kHz.

    Raises:
        ValueError: not int16.
    """
    import python_speech_features

    if samples.dtype != np.int16:
        raise ValueError(f"SyncNet's MFCC are of int16 samples, not {samples.dtype}.")
    return np.ascontiguousarray(python_speech_features.mfcc(samples, RATE).T, dtype=np.float32)


def sound_windows(coefficients: Array, count: int) -> Array:
    """float32 (count, 1, 13, 20): window i begins with step 4 i of (13, steps). Raises ``ValueError`` for too few steps."""
    windows = np.lib.stride_tricks.sliding_window_view(coefficients, STEPS, axis=1)[:, ::STEPS_PER_FRAME]
    if windows.shape[1] < count:
        raise ValueError(f"{coefficients.shape[1]} steps hold {windows.shape[1]} windows, not {count}.")
    return np.ascontiguousarray(windows[:, :count].transpose(1, 0, 2)[:, None])


def lip_windows(faces: Array, first: int, count: int) -> Array:
    """float32 (count, 3, 5, 224, 224) of faces first .. first + count - 1 and the four behind each.

    Args:
        faces: uint8 (frames, 224, 224, BGR) at 25 fps; values stay 0..255.
        first: the window to begin with, so that a long clip need not be unfolded at once (3 MB a window).
        count: windows.

    Raises:
        ValueError: too few faces.
    """
    if first + count + FRAMES - 1 > len(faces):
        raise ValueError(f"{len(faces)} faces hold no windows {first} to {first + count - 1}.")
    windows = np.lib.stride_tricks.sliding_window_view(faces[first : first + count + FRAMES - 1], FRAMES, axis=0)
    return np.ascontiguousarray(windows.transpose(0, 3, 4, 1, 2), dtype=np.float32)
