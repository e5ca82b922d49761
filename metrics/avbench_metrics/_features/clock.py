"""How long picture and sound are, in frames and samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from avbench.clip import Clip
from avbench.feature import Array, Feature, Frames, Read, Waveform

RATE = 16_000
CLOSE = 4e-4  # under half of what 24 and 24000 / 1001 differ by; times rounded to 1 ms are off by less from 3 s on


def frame_rate(seconds: Array) -> float:
    """Average frames per second from the times of frames (n,), or the whole n or n * 1000 / 1001 that is near; 1 for one frame.

    Times are rounded in files, so that 24 may come out as 23.9999; counts of frames in 2 s are cut to whole numbers and would jump.
    """
    if len(seconds) < 2:
        return 1.0
    rate = (len(seconds) - 1) / float(seconds[-1] - seconds[0])
    near = [round(rate), round(rate * 1.001) * 1000 / 1001]
    best = min(near, key=lambda whole: abs(whole - rate))
    return float(best) if abs(best - rate) <= CLOSE * rate else rate


def samples_at_16_khz(count: int, rate: int) -> int:
    """How many samples torchaudio's resampler makes of ``count`` at ``rate`` Hz."""
    return math.ceil(count * RATE / rate)


@dataclass(frozen=True)
class Clock(Feature):
    """Frames, frames per second, samples of sound at 16 kHz: float64 (3,)."""

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame and the sound, as they are."""
        return (Frames(), Waveform())

    def prepare(self, clip: Clip) -> Array:
        """See the class."""
        seconds = clip.frames(Frames())[1]
        samples, rate = clip.waveform(Waveform())
        return np.asarray([len(seconds), frame_rate(seconds), samples_at_16_khz(len(samples), rate)], dtype=np.float64)
