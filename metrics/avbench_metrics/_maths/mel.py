"""Mel filter bank energies."""

from __future__ import annotations

from functools import cache

import numpy as np

from avbench.feature import Array

BLOCK = 4096  # frames transformed at once: spectra of a long recording would fill a gigabyte


@cache
def filters(rate: int, window: int, bands: int, low: float = 60.0, high: float = 7600.0) -> Array:
    """Triangular filters on the HTK mel scale (2595 log10(1 + f / 700)), float64 (bands, window // 2 + 1), peak 1."""
    hertz = np.fft.rfftfreq(window, 1 / rate)
    mel = 2595 * np.log10(1 + hertz / 700)
    edges = np.linspace(2595 * np.log10(1 + low / 700), 2595 * np.log10(1 + high / 700), bands + 2)
    rising = (mel - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - mel) / (edges[2:] - edges[1:-1])[:, None]
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)))


def mel_energies(samples: Array, rate: int, window: int, hop: int, bands: int) -> Array:
    """Power in mel bands, float64 (frames, bands); frame k is centred on sample k * hop."""
    padded = np.pad(np.asarray(samples, dtype=np.float64), window // 2)
    count = (len(padded) - window) // hop + 1
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop][:count]
    bank, taper = filters(rate, window, bands).T, np.hanning(window)
    found = np.empty((count, bands))
    for start in range(0, count, BLOCK):
        spectra = np.fft.rfft(frames[start : start + BLOCK] * taper, axis=1)
        found[start : start + BLOCK] = np.abs(spectra) ** 2 @ bank / window
    return found
