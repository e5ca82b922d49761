"""Mel filters on Slaney's scale, as librosa makes them by default."""

from __future__ import annotations

import numpy as np

from avbench.feature import Array

# Slaney, Auditory Toolbox (1998): linear below 1 kHz with 200/3 Hz per mel, then 27 mel per factor of 6.4.
_LINEAR = 200.0 / 3.0
_KNEE = 1000.0
_STEP = np.log(6.4) / 27.0


def hertz_to_mel(hertz: Array) -> Array:
    """Hz to Slaney's mel, any shape, float64."""
    hertz = np.asarray(hertz, dtype=np.float64)
    return np.where(hertz < _KNEE, hertz / _LINEAR, _KNEE / _LINEAR + np.log(np.maximum(hertz, _KNEE) / _KNEE) / _STEP)


def mel_to_hertz(mel: Array) -> Array:
    """The inverse of ``hertz_to_mel``."""
    mel = np.asarray(mel, dtype=np.float64)
    return np.where(mel < _KNEE / _LINEAR, mel * _LINEAR, _KNEE * np.exp(_STEP * (mel - _KNEE / _LINEAR)))


def slaney_filters(rate: int, window: int, bands: int, low: float, high: float) -> Array:
    """Triangles in Hz whose area is 1, float64 (bands, window // 2 + 1).

    Args:
        rate: samples per second.
        window: length of the transform in samples.
        bands: number of filters.
        low: lower edge of the first filter in Hz.
        high: upper edge of the last filter in Hz.
    """
    hertz = np.fft.rfftfreq(window, 1.0 / rate)
    edges = mel_to_hertz(np.linspace(hertz_to_mel(np.array(low)), hertz_to_mel(np.array(high)), bands + 2))
    rising = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    area = (edges[2:] - edges[:-2])[:, None] / 2.0
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) / area)
