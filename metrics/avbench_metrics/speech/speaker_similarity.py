"""Speaker similarity: whether the clip speaks with the prompt's reference voice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.voice import ReferenceVoice, Voice

VOICE, REFERENCE = Voice(), ReferenceVoice()


@dataclass(frozen=True)
class SpeakerSimilarity(ClipMetric):
    """Cosine of two GE2E embeddings."""

    card: ClassVar[Card] = Card(
        title="speaker similarity (GE2E)",
        better="higher",
        unit="1",
        range=(-1.0001, 1.0001),
        formula="cosine of the GE2E embeddings of the clip's speech and of the reference voice",
        source="Wan et al., arXiv 1710.10467; Resemblyzer's weights",
        version=2,
        protocol="16 kHz, Silero VAD 6 with its default thresholds, speech levelled to -30 dBFS, at least 0.5 s of speech",
        licence="Apache-2.0",
        extra="speech",
        install="pip install 'avbench[speech]' && pip install --no-deps resemblyzer silero-vad",
        packages=("resemblyzer", "torch", "webrtcvad", "onnxruntime", "silero_vad"),
        needs=("speaker",),
        notes="Not WavLM-TDNN as in Seed-TTS: figures of the two do not compare. Strangers reach about 0.5.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (VOICE, REFERENCE)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return float(sample[VOICE][0] @ sample[REFERENCE][0])


METRIC = SpeakerSimilarity()
