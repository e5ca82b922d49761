"""Loudness, silence and clipping of one sound track, from one pass over its samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Read, Waveform

SECONDS, LUFS, SILENT, CLIPPED, PEAK = range(5)  # columns of the array

BLOCK_SECONDS = 0.4  # BS.1770's gating block
WINDOW_SECONDS = 0.05
SILENCE_DBFS = -60.0
FULL_SCALE = 0.999  # 16-bit full scale is 0.99997; one thousandth allows for a codec's rounding
CLIP_RUN = 3  # one or two samples at full scale may be a true peak


@dataclass(frozen=True)
class SoundStatistics(Feature):
    """float64 (5,): seconds, integrated LUFS, share of silent windows, share of clipped samples, peak of |x|.

    The native sampling rate is kept. LUFS is NaN for less than 0.4 s and −inf where every block is below the gate.
    """

    @property
    def reads(self) -> tuple[Read, ...]:
        """The mono mix at the file's rate."""
        return (Waveform(),)

    def prepare(self, clip: Clip) -> Array:
        """Measure one clip; raises ``Unscorable`` (``too_short``) for less than one 50 ms window."""
        samples, rate = clip.waveform(Waveform())
        if len(samples) < round(WINDOW_SECONDS * rate):
            raise Unscorable(f"The sound is shorter than {WINDOW_SECONDS * 1000:.0f} ms.", "too_short")
        wave = np.asarray(samples, dtype=np.float64)
        loudness = integrated_loudness(wave, rate)
        peak = float(np.abs(wave).max())
        return np.array([len(wave) / rate, loudness, silent_share(wave, rate), clipped_share(wave), peak])


def integrated_loudness(samples: Array, rate: int) -> float:
    """BS.1770 gated loudness of a mono signal (samples,) in LUFS; NaN below 0.4 s, −inf where all is gated away."""
    if len(samples) < BLOCK_SECONDS * rate:
        return float("nan")
    import pyloudnorm

    with np.errstate(divide="ignore", invalid="ignore"):
        return float(pyloudnorm.Meter(rate).integrated_loudness(samples))


def silent_share(samples: Array, rate: int) -> float:
    """Share in [0, 1] of whole 50 ms windows whose RMS lies below −60 dB of full scale."""
    width = round(WINDOW_SECONDS * rate)
    windows = samples[: len(samples) // width * width].reshape(-1, width)
    return float((np.sqrt((windows**2).mean(axis=1)) < 10 ** (SILENCE_DBFS / 20)).mean())


def clipped_share(samples: Array) -> float:
    """Share in [0, 1] of samples in runs of at least three neighbours of one sign with |x| >= 0.999."""
    at_limit = np.where(np.abs(samples) >= FULL_SCALE, np.sign(samples), 0.0)
    edges = np.flatnonzero(np.diff(at_limit)) + 1
    bounds = np.concatenate(([0], edges, [len(samples)]))
    lengths = np.diff(bounds)
    is_run = (at_limit[bounds[:-1]] != 0) & (lengths >= CLIP_RUN)
    return float(lengths[is_run].sum() / len(samples))
