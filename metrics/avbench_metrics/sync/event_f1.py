"""Event F1: whether picture and sound both show the prompt's events when they happen (Toybox)."""

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
    """The smaller of two F1, of picture events and of sound events, each one to one against the prompt's."""

    tolerance: float = 0.0625

    card: ClassVar[Card] = Card(
        title="event F1",
        better="higher",
        unit="1",
        range=(0.0, 1.0),
        formula="min(F1(V, E), F1(A, E)), F1(X, E) = 2 M / (|X| + |E|), M = one-to-one matches within 62.5 ms; V luma jumps, "
        "A sound onsets, E the prompt's event times",
        source="avbench, the Toybox's world: every event whitens its shape",
        protocol="luma at 144 rows; log-mel flux onsets at 16 kHz",
        needs=("events",),
        version=2,
        notes="For the Toybox alone. Its prompts carry the event times of its own rendering; their text says how many events, "
        "not when. A model that is given the text alone cannot know them: judge it by av_offset and av_align, or by the "
        "detail agreement_f1, F1 of picture against sound. A clip without sound or without flashes scores 0.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (CHANGE, STRENGTH)

    def score(self, sample: Sample) -> float:
        """See the card."""
        found = self.details(sample)
        return min(found["picture_f1"], found["sound_f1"])

    def details(self, sample: Sample) -> Mapping[str, float]:
        """F1 of either side against the prompt's events, and of one side against the other."""
        (seen, heard), events = self._events(sample), np.asarray(sample.prompt.events)
        pairs = {"picture_f1": (seen, events), "sound_f1": (heard, events), "agreement_f1": (seen, heard)}
        return {name: self._f1(*sides) for name, sides in pairs.items()}

    def _f1(self, first: Array, second: Array) -> float:
        total = len(first) + len(second)
        return 2 * matched(first, second, self.tolerance) / total if total else 0.0

    def _events(self, sample: Sample) -> tuple[Array, Array]:
        try:
            heard = onsets(sample[STRENGTH])
        except Unscorable as error:
            if error.kind != "not_applicable":
                raise
            heard = np.zeros(0)  # silence
        return flashes(sample[CHANGE]), heard


METRIC = EventF1()
