"""Voice consistency: whether a clip's speech keeps one voice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.errors import Unscorable
from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.voice import Voice

VOICE = Voice()


@dataclass(frozen=True)
class VoiceConsistency(ClipMetric):
    """Least cosine between a window of 1.6 s and the mean of all."""

    card: ClassVar[Card] = Card(
        title="voice consistency (GE2E)",
        better="higher",
        unit="1",
        range=(-1.0001, 1.0001),
        formula="smallest cosine between the GE2E embedding of a 1.6 s window and that of the whole",
        source="Wan et al., arXiv 1710.10467; Resemblyzer's weights",
        version=2,
        protocol="16 kHz, Silero VAD 6 with its default thresholds, speech levelled to -30 dBFS, four windows per second",
        extra="speech",
        install="pip install 'avbench[speech]' && pip install --no-deps resemblyzer silero-vad",
        packages=("resemblyzer", "torch", "webrtcvad", "onnxruntime", "silero_vad"),
        notes="Not applicable under about 1.6 s of speech. Several speakers lower it by right.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (VOICE,)

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` for a single window."""
        whole, parts = sample[VOICE][0], sample[VOICE][1:]
        if len(parts) < 2:
            raise Unscorable("The speech fills one window of 1.6 s; consistency needs two.")
        return float(np.min(parts @ whole / np.linalg.norm(parts, axis=1)))


METRIC = VoiceConsistency()
