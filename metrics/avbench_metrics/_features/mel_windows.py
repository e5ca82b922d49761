"""Log-mel statistics of 0.96 s windows: a signal-level stand-in for a network's embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Read, Sample, Waveform

RATE = 16_000
FRAME = 400  # 25 ms
HOP = 160  # 10 ms
FFT = 512
LOW_HZ, HIGH_HZ = 125.0, 7500.0
OFFSET = 0.01  # VGGish's stabiliser: a floor of about −80 dBFS per band


@dataclass(frozen=True)
class MelWindows(Feature):
    """float64 (windows, 2 * mels): mean, then standard deviation over time, of each log-mel band in whole windows.

    The spectrogram is VGGish's: 16 kHz, 25 ms Hann, 10 ms hop, 64 HTK mels from 125 to 7500 Hz of
    magnitudes, ln(x + 0.01).
    96 frames make a window and windows do not overlap.
    """

    mels: int = 64
    frames: int = 96

    @property
    def reads(self) -> tuple[Read, ...]:
        """The mono mix at 16 kHz."""
        return (Waveform(RATE),)

    def prepare(self, clip: Clip) -> Array:
        """Window statistics of one clip; raises ``Unscorable`` (``too_short``) where not even one window fits."""
        samples, _ = clip.waveform(Waveform(RATE))
        spectrum = log_mel(np.asarray(samples, dtype=np.float64), self.mels)
        count = len(spectrum) // self.frames
        if not count:
            raise Unscorable(f"The sound is shorter than one window of {self.frames * HOP / RATE:.2f} s.", "too_short")
        windows = spectrum[: count * self.frames].reshape(count, self.frames, self.mels)
        return np.concatenate((windows.mean(axis=1), windows.std(axis=1)), axis=1)


def log_mel(samples: Array, mels: int) -> Array:
    """Log-mel spectrogram (frames, mels) of (samples,) at 16 kHz; no frames for less than 25 ms."""
    if len(samples) < FRAME:
        return np.zeros((0, mels))
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    magnitudes = np.abs(np.fft.rfft(frames * hann, FFT, axis=1))
    return np.asarray(np.log(magnitudes @ mel_matrix(mels) + OFFSET))


def mel_matrix(mels: int) -> Array:
    """Triangles (FFT // 2 + 1, mels) of unit height, equally spaced on the HTK mel scale."""

    def to_mel(hertz: Array) -> Array:
        return np.asarray(1127.0 * np.log1p(hertz / 700.0))

    low, high = to_mel(np.array([LOW_HZ, HIGH_HZ]))
    edges = np.linspace(float(low), float(high), mels + 2)
    bins = to_mel(np.linspace(0.0, RATE / 2, FFT // 2 + 1))[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    matrix = np.clip(np.minimum(rising, falling), 0.0, None)
    matrix[0] = 0.0  # the constant component
    return np.asarray(matrix)


def pooled(samples: Sequence[Sample], feature: MelWindows) -> Array:
    """Window vectors of all clips, (windows, dimensions); raises ``Unscorable`` (``too_few``) for under two clips."""
    if len(samples) < 2:
        raise Unscorable(f"A set needs two clips to have a distribution; this one has {len(samples)}.", "too_few")
    return np.concatenate([sample[feature] for sample in samples])
