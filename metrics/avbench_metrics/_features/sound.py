"""The sound itself, and its log-mel windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Read, Waveform
from avbench_metrics._maths.mel import mel_energies


@dataclass(frozen=True)
class Levels(Feature):
    """Integrated loudness (LUFS), share of silent 50 ms windows, share of clipped samples: float64 (3,).

    Loudness is NaN where BS.1770's gate leaves nothing or the sound is under 0.4 s.
    """

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at the file's rate."""
        return (Waveform(),)

    def prepare(self, clip: Clip) -> Array:
        """See the class; raises ``Unscorable`` for an empty stream."""
        samples, rate = clip.waveform(Waveform())
        if not len(samples):
            raise Unscorable("The audio stream is empty.", "no_audio")
        return np.asarray([_loudness(samples, rate), _silent_share(samples, rate), _clipped_share(samples)])


def _loudness(samples: Array, rate: int) -> float:
    import pyloudnorm

    if len(samples) < 0.4 * rate or not np.any(samples):
        return float("nan")
    value = float(pyloudnorm.Meter(rate).integrated_loudness(samples.astype(np.float64)))
    return value if np.isfinite(value) else float("nan")


def _silent_share(samples: Array, rate: int) -> float:
    step = max(1, min(round(0.05 * rate), len(samples)))
    windows = samples[: len(samples) // step * step].reshape(-1, step).astype(np.float64)
    return float(np.mean(np.sqrt(np.mean(windows**2, axis=1)) < 1e-3))


def _clipped_share(samples: Array) -> float:
    """Samples at full scale in runs of three or more: one lone peak is no clipping."""
    full = np.abs(samples) >= 0.999
    edges = np.flatnonzero(np.diff(np.concatenate([[0], full.astype(np.int8), [0]])))
    runs = edges[1::2] - edges[::2]
    return float(runs[runs >= 3].sum() / len(samples))


QUIET = 32.0 * 10 ** (-80 / 10)  # power of a sine of -80 dBFS at the centre of a band: what lies below is not heard


@dataclass(frozen=True)
class LogMelWindows(Feature):
    """Mean and standard deviation of 64 log-mel bands over windows of 0.96 s, float64 (windows, 128); natural log.

    The power of a sine of -80 dBFS is added before the logarithm.
    """

    version: ClassVar[int] = 2
    seconds: float = 0.96

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 16 kHz."""
        return (Waveform(16_000),)

    def prepare(self, clip: Clip) -> Array:
        """See the class; raises ``Unscorable`` for sound shorter than one window."""
        samples, rate = clip.waveform(Waveform(16_000))
        step = round(self.seconds * 100)
        power = mel_energies(samples, rate, 512, 160, 64) if len(samples) > 512 else np.zeros((0, 64))
        count = len(power) // step
        if not count:
            raise Unscorable(f"The sound is shorter than one window of {self.seconds} s.", "too_short")
        level = np.log(power[: count * step] + QUIET).reshape(count, step, 64)
        return np.concatenate([level.mean(axis=1), level.std(axis=1)], axis=1)
