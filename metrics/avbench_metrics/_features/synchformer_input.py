"""What Synchformer's two encoders are given: segments of pictures and of log-mel spectra.

Source: github.com/hkchengrex/av-benchmark, which JavisBench and MOVA follow; constants of arXiv 2401.16423.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from avbench.feature import Array
from avbench_metrics._maths.desync import FRAMES, RATE, SAMPLES

SIDE = 224
FFT, WINDOW, HOP, BANDS, STEPS = 1024, 400, 160, 128, 66
MEAN, DEVIATION = -4.2677393, 4.5689974  # of AudioSet's log-mel values


def square_pictures(frames: Array, shorter: int = SIDE) -> Array:
    """Shorter side to 224 pixels (bicubic with anti-aliasing, in whole grey levels), then the centre.

    Args:
        frames: uint8 (T, height, width, RGB).
        shorter: another length for the shorter side, at least 224; Verse-Bench takes 256.

    Returns:
        uint8 (T, RGB, 224, 224).
    """
    import torch

    height, width = frames.shape[1:3]
    short = min(height, width)
    size = (shorter * height // short, shorter * width // short)
    pictures = torch.from_numpy(np.ascontiguousarray(frames.transpose(0, 3, 1, 2)))
    if size != (height, width):
        pictures = torch.nn.functional.interpolate(pictures, size, mode="bicubic", antialias=True)
    top, left = round((size[0] - SIDE) / 2), round((size[1] - SIDE) / 2)
    return np.ascontiguousarray(pictures[:, :, top : top + SIDE, left : left + SIDE].numpy())


def picture_segments(pictures: Array, starts: Array) -> Array:
    """float32 (S, 16, RGB, 224, 224) in -1..1 of uint8 (T, RGB, 224, 224) at 25 fps; segment s begins with frame starts[s].

    Raises:
        ValueError: a segment reaches beyond the last frame.
    """
    return (_cut(pictures, starts, FRAMES).astype(np.float32) / 255 - 0.5) / 0.5


def spectrogram_segments(samples: Array, starts: Array) -> Array:
    """``log_mel`` of the 0.64 s that begin with each of ``starts``, float32 (S, 128, 66) of float (n,) at 16 kHz.

    Every segment is transformed by itself: its edges are mirrored, not continued into its neighbour.

    Raises:
        ValueError: a segment reaches beyond the last sample.
    """
    return log_mel(_cut(samples, starts, SAMPLES))


def log_mel(segments: Array) -> Array:
    """Normalised log-mel spectra of sounds in -1..1 at 16 kHz, float32 (S, 128, 66) from (S, 10240).

    Power of a 1024-point FFT under a periodic Hann window of 25 ms, 128 HTK mel bands; ln(x + 1e-6); the 65 steps of 10 ms are
    filled up to 66 with 0 (not silence) before mean -4.2677393 and twice the deviation 4.5689974 are taken out.
    """
    import torch

    sound = torch.from_numpy(np.ascontiguousarray(segments, dtype=np.float32))
    spectrum = torch.stft(sound, FFT, HOP, WINDOW, torch.hann_window(WINDOW), center=True, pad_mode="reflect", return_complex=True)
    level = torch.log(torch.matmul(_filters().T, spectrum.abs().square()) + 1e-6)
    level = torch.nn.functional.pad(level, (0, STEPS - level.shape[-1]))
    return np.asarray(((level - MEAN) / (2 * DEVIATION)).numpy())


@cache
def _filters() -> Any:
    """Triangles between 130 points equally spaced in mel from 0 to 8 kHz, peak 1, float32 (513, 128)."""
    import torch

    hertz = torch.linspace(0, RATE / 2, FFT // 2 + 1)
    edges = 700 * (10 ** (torch.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2) / 2595) - 1)
    above = edges - hertz[:, None]
    width = edges.diff()
    return torch.minimum(-above[:, :-2] / width[:-1], above[:, 2:] / width[1:]).clamp(min=0)


def _cut(array: Array, starts: Array, size: int) -> Array:
    """(S, size, ...) copies of ``array`` along its first axis."""
    if len(starts) and (min(starts) < 0 or max(starts) + size > len(array)):
        raise ValueError(f"A segment of {size} from {max(starts)} reaches beyond {len(array)}.")
    return array[np.asarray(starts)[:, None] + np.arange(size)]
