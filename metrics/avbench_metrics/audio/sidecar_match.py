"""Side-car match: whether the sound file beside a clip holds the clip's own sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, OwnWaveform, Read, Sample, Waveform
from avbench.metric import Card, ClipMetric

RATE, REACH = 16_000, 800  # samples; 50 ms
SILENT = 1e-4
BESIDE, OWN = Waveform(RATE), OwnWaveform(RATE)


@dataclass(frozen=True)
class SidecarMatch(Feature):
    """Largest correlation of the two sounds, the lag [s] it is found at, and by how much [s] the file is longer: float64 (3,)."""

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 16 kHz of the file beside the clip, and of the clip."""
        return (BESIDE, OWN)

    def prepare(self, clip: Clip) -> Array:
        """See the class; raises ``Unscorable`` where no file is judged beside the clip, or both are silent."""
        if clip.audio_path is None:
            raise Unscorable("The clip's own sound is judged: there is no file beside it.")
        beside, own = clip.waveform(BESIDE)[0], clip.waveform(OWN)[0]
        if max(np.abs(x).max(initial=0.0) for x in (beside, own)) < SILENT:
            raise Unscorable("Both sounds are silent.", "silent")
        value, lag = best_correlation(beside, own)
        return np.asarray([value, lag / RATE, (len(beside) - len(own)) / RATE])


def best_correlation(x: Array, y: Array, reach: int = REACH) -> tuple[float, int]:
    """Largest normalised correlation within ``reach`` samples, 0 where a sound is empty, and by how many samples x is late."""
    from scipy import signal

    size = float(np.sqrt(np.square(x, dtype=np.float64).sum() * np.square(y, dtype=np.float64).sum()))
    if not size:
        return 0.0, 0
    found = signal.correlate(np.asarray(x, np.float64), np.asarray(y, np.float64), mode="full", method="fft") / size
    lags = signal.correlation_lags(len(x), len(y), mode="full")
    near = np.abs(lags) <= reach
    best = int(np.argmax(found[near]))
    return float(np.clip(found[near][best], -1.0, 1.0)), int(lags[near][best])


MATCH = SidecarMatch()


@dataclass(frozen=True)
class SidecarMatchMetric(ClipMetric):
    """A doubt about a submission, no quality: who judges the file should know that the clip sounds the same."""

    card: ClassVar[Card] = Card(
        title="side-car match",
        better="none",
        unit="1",
        range=(-1.0, 1.0),
        formula="max over lags up to 50 ms of sum(x y) / sqrt(sum(x^2) sum(y^2)), x the file beside the clip, y its own sound",
        source="avbench",
        protocol="16 kHz mono (soxr)",
        notes="1 for the same sound, about .99 after lossy coding. Benchmarks whose official code reads a file beside the clip "
        "judge that file; metrics of synchrony may hear the clip's own. Not applicable where there is no file.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (MATCH,)

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` where there is nothing to compare."""
        return float(sample[MATCH][0])

    def details(self, sample: Sample) -> Mapping[str, float]:
        """The lag, and by how much the file is longer."""
        _, lag, longer = sample[MATCH]
        return {"lag_seconds": float(lag), "longer_by_seconds": float(longer)}


METRIC = SidecarMatchMetric()
