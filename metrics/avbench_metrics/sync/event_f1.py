"""Event F1: whether the flashes of the picture and the strikes of the sound fall together (Toybox)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import signal

from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.onset_strength import OnsetStrength, onsets
from avbench_metrics._features.visual_change import VisualChange
from avbench_metrics._maths.matching import matched

CHANGE, STRENGTH = VisualChange(), OnsetStrength()


def flashes(change: Array) -> Array:
    """Seconds at which mean luma jumps up: half-way between the frames before and after, float64 (flashes,)."""
    rise = np.concatenate([[0.0], change[3], [0.0]])
    height = max(0.3, 0.3 * float(rise.max()))
    peaks, _ = signal.find_peaks(rise, height=height, distance=2)
    return np.asarray(change[0][peaks - 1])


@dataclass(frozen=True)
class EventF1(ClipMetric):
    """F1 of picture events against sound events, one to one."""

    tolerance: float = 0.0625

    card: ClassVar[Card] = Card(
        title="event F1",
        better="higher",
        unit="1",
        range=(0.0, 1.0),
        formula="2 M / (|A| + |V|), M = one-to-one matches of luma jumps and onsets within 62.5 ms",
        source="avbench, the Toybox's world: every event whitens its shape",
        protocol="luma at 144 rows; log-mel flux onsets at 16 kHz",
        needs=("events",),
        notes="For the Toybox alone. A clip without sound or without flashes scores 0: the prompt asked for events.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (CHANGE, STRENGTH)

    def score(self, sample: Sample) -> float:
        """See the card."""
        seen, heard = self._events(sample)
        total = len(seen) + len(heard)
        return 2 * matched(seen, heard, self.tolerance) / total if total else 0.0

    def details(self, sample: Sample) -> Mapping[str, float]:
        """F1 of each side against the prompt's own event times, for renderings of the ground truth."""
        truth = np.asarray(sample.prompt.events)
        names = ("picture_f1", "sound_f1")
        return {name: 2 * matched(side, truth, self.tolerance) / (len(side) + len(truth))
                for name, side in zip(names, self._events(sample), strict=True)}  # fmt: skip

    def _events(self, sample: Sample) -> tuple[Array, Array]:
        try:
            heard = onsets(sample[STRENGTH])
        except Unscorable as error:
            if error.kind != "not_applicable":
                raise
            heard = np.zeros(0)  # silence
        return flashes(sample[CHANGE]), heard


METRIC = EventF1()
