"""How much the sound changes: beginnings, ends and changes of timbre a hundred times a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from avbench.clip import Clip
from avbench.feature import Array, Feature, Read, Waveform
from avbench_metrics._features.onset_strength import HOP, RATE, WINDOW, audible
from avbench_metrics._maths.mel import mel_energies


@dataclass(frozen=True)
class SoundChange(Feature):
    """Float64 (5, steps) at 100 Hz, step k at second k / 100.

    Rows, per step of 10 ms: mean size and mean rise of 40 log-mel bands, size of the change of log energy, its rise, and mean
    size of the change of 40 mel magnitudes over their root mean square.

    Args:
        bands: mel bands from 60 Hz to 7.6 kHz.
        floor: share of the mean power added before logarithms, so that coding noise in pauses is no event.
    """

    bands: int = 40
    floor: float = 0.01

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 16 kHz."""
        return (Waveform(RATE),)

    def prepare(self, clip: Clip) -> Array:
        """See the class; raises ``Unscorable`` for silence and for less than 0.2 s."""
        power = mel_energies(audible(clip), RATE, WINDOW, HOP, self.bands)
        energy = power.sum(axis=1)
        level = _slope(np.log(power + self.floor * power.mean() + 1e-10), 2.0)
        loud = _slope(np.log(energy + self.floor * energy.mean() + 1e-10), 3.0)
        size = _slope(np.sqrt(power / max(float(power.mean()), 1e-12)), 2.0)
        rises = np.maximum(level, 0).mean(axis=1), np.maximum(loud, 0)
        return np.stack([np.abs(level).mean(axis=1), rises[0], np.abs(loud), rises[1], np.abs(size).mean(axis=1)])


def _slope(rows: Array, steps: float) -> Array:
    """Change per step after smoothing by a Gaussian of ``steps`` standard deviation."""
    return np.asarray(np.gradient(ndimage.gaussian_filter1d(rows, steps, axis=0), axis=0))
