"""Voice match: speaker similarity on a scale where 0 is a stranger and 1 is the same person."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.voice import ReferenceVoice, Voice
from avbench_metrics._maths.anchored_cosine import anchored_cosine

VOICE, REFERENCE = Voice(), ReferenceVoice()


@dataclass(frozen=True)
class VoiceMatch(ClipMetric):
    """GE2E cosine between two anchors.

    Args:
        same: mean cosine of two recordings of one speaker. different: of two speakers. Measure your own, of your own kind of
            recordings, by ``python -m avbench_metrics._features.speaker_anchors FOLDER``.
    """

    same: float = 0.8290
    different: float = 0.4953

    card: ClassVar[Card] = Card(
        title="voice match (GE2E)",
        better="higher",
        unit="1",
        range=(-math.inf, math.inf),
        formula="(c - different) / (same - different), c = cosine of the GE2E embeddings of the clip's speech and of the "
        "reference voice",
        source="avbench; embedding: Wan et al., arXiv 1710.10467, Resemblyzer's weights",
        protocol="16 kHz, Silero VAD, at least 0.5 s of speech at -30 dBFS; anchors are parameters",
        licence="Apache-2.0",
        extra="speech",
        install="pip install 'avbench[speech]' && pip install --no-deps Resemblyzer silero-vad",
        packages=("resemblyzer", "torch", "webrtcvad", "silero_vad", "onnxruntime"),
        needs=("speaker",),
        notes="Default anchors: 15 recordings (2.5 to 6 s) of 5 LibriSpeech readers; same 0.8290 (sd 0.0312, 15 pairs within one "
        "book and room each), different 0.4953 (sd 0.0616, 90 pairs); equal error rate 0. One sd of strangers is 0.18 of the "
        "scale. Five readers are few, and other microphones, languages or emotions lower the cosine of one speaker: a match below "
        "1 is no proof of another voice. A copy of the reference lies at 1.5. Not clipped.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (VOICE, REFERENCE)

    def _cosine(self, sample: Sample) -> float:
        return float(sample[VOICE][0] @ sample[REFERENCE][0])

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` where the anchors are in the wrong order."""
        return anchored_cosine(self._cosine(sample), self.same, self.different)

    def details(self, sample: Sample) -> Mapping[str, float]:
        """The cosine itself."""
        return {"cosine": self._cosine(sample)}


METRIC = VoiceMatch()
