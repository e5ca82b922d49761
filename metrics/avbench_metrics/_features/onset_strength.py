"""Where sound begins: spectral flux and level a hundred times a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, signal

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Read, Waveform
from avbench_metrics._maths.mel import mel_energies

RATE, HOP, WINDOW = 16_000, 160, 512
STEPS = RATE // HOP
SILENCE = 1e-3  # peak below -60 dB of full scale


@dataclass(frozen=True)
class OnsetStrength(Feature):
    """Float64 (2, steps) at 100 Hz: mean positive flux of 40 log-mel bands, and log energy; both smoothed by 20 ms.

    Step k stands for the second k / 100.
    """

    bands: int = 40

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 16 kHz."""
        return (Waveform(RATE),)

    def prepare(self, clip: Clip) -> Array:
        """See the class; raises ``Unscorable`` for silence and for less than 0.2 s."""
        samples = audible(clip)
        power = mel_energies(samples, RATE, WINDOW, HOP, self.bands)
        level = np.log(power + 1e-4 * power.mean() + 1e-10)
        flux = np.maximum(np.diff(level, axis=0, prepend=level[:1]), 0).mean(axis=1)
        energy = np.log(power.sum(axis=1) + 1e-3 * power.sum(axis=1).mean() + 1e-10)
        return np.stack([ndimage.gaussian_filter1d(flux, 2), ndimage.gaussian_filter1d(energy, 2)])


def audible(clip: Clip) -> Array:
    """Mono sound at 16 kHz, float32 (samples,); raises ``Unscorable`` for silence and for less than 0.2 s."""
    samples, _ = clip.waveform(Waveform(RATE))
    if len(samples) < 0.2 * RATE:
        raise Unscorable("The sound is shorter than 0.2 s.", "too_short")
    if float(np.abs(samples).max()) < SILENCE:
        raise Unscorable("The sound is silent (peak below -60 dBFS).")
    return samples


def onsets(strength: Array) -> Array:
    """Seconds of the distinct onsets: peaks of the flux that stand out, at least 0.1 s apart, float64 (onsets,)."""
    flux = strength[0]
    floor = float(np.median(flux))
    height = floor + max(0.25 * (float(flux.max()) - floor), 0.02)
    peaks, _ = signal.find_peaks(flux, height=height, prominence=0.5 * (height - floor), distance=10)
    return np.asarray(peaks / STEPS)
