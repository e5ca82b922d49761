"""Speaker similarity by WavLM: Seed-TTS's SIM."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.speaker_wavlm import WavlmReference, WavlmVoice

VOICE, REFERENCE = WavlmVoice(), WavlmReference()
WHOLE_VOICE, WHOLE_REFERENCE = WavlmVoice(official=True), WavlmReference(official=True)


@dataclass(frozen=True)
class SpeakerSimilarityWavlm(ClipMetric):
    """Cosine of two embeddings of speech alone."""

    card: ClassVar[Card] = Card(
        title="speaker similarity (WavLM)",
        better="higher",
        unit="1",
        range=(-1.0001, 1.0001),
        formula="cosine of the WavLM-Large + ECAPA-TDNN embeddings of the clip's speech and of the reference voice",
        source="Chen et al., arXiv 2110.13900; protocol of Seed-TTS, arXiv 2406.02430, repaired",
        protocol="mean of all channels, 16 kHz by soxr, the stretches where Silero VAD hears speech, at least 0.5 s of them",
        licence="weights: unknown (released for research by Microsoft; repository UniSpeech)",
        extra="speech",
        install="pip install 'avbench[speech]' && pip install --no-deps silero-vad",
        packages=("torch", "silero_vad", "onnxruntime"),
        needs=("speaker",),
        notes="A copy of the reference's room and noise raises it too. The GE2E figure of speaker_similarity is another scale.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (VOICE, REFERENCE)

    def score(self, sample: Sample) -> float:
        """See the card."""
        one, other = (np.asarray(sample[feature], dtype=np.float64) for feature in self.uses)
        return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


@dataclass(frozen=True)
class SeedTtsSimilarity(SpeakerSimilarityWavlm):
    """The published SIM: whole recordings, silence and noise included."""

    card: ClassVar[Card] = replace(
        SpeakerSimilarityWavlm.card,
        title="SIM (Seed-TTS)",
        formula="cosine of the WavLM-Large + ECAPA-TDNN embeddings of the whole clip and of the whole reference",
        source="Seed-TTS, arXiv 2406.02430; repository BytedanceSpeech/seed-tts-eval, 752f429 (verification.py)",
        protocol="first channel, 16 kHz by torchaudio's resampler, no trimming, no voice activity detection",
        extra="audio",
        install="",
        packages=("torch", "torchaudio"),
        notes="The official code takes one sample per channel of a stereo clip, a slip that is not repeated here: the first "
        "channel is heard. It also drops missing clips from the mean; here they are counted as missing. A clip of noise or "
        "silence gets a figure.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (WHOLE_VOICE, WHOLE_REFERENCE)


METRIC = SpeakerSimilarityWavlm()
PROTOCOLS = {"fixed": METRIC, "seed_tts": SeedTtsSimilarity()}
