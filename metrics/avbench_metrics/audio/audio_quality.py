"""Audio quality: JavisBench's mean of Audiobox Aesthetics' four ratings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.aesthetics import PEAK, Aesthetics, JavisBenchAesthetics, unless_silent

WHOLE, AS_FED = Aesthetics(), JavisBenchAesthetics()


@dataclass(frozen=True)
class AudioQuality(ClipMetric):
    """The mean of the four over all of the sound, resampled along time."""

    card: ClassVar[Card] = Card(
        title="audio quality",
        better="higher",
        unit="1",
        range=(-20.0, 30.0),
        formula="(CE + CU + PC + PQ) / 4 of Audiobox Aesthetics, about 1 to 10",
        source="JavisVerse/JavisDiT, eval/javisbench; Tjandra et al., arXiv 2502.05139",
        protocol="16 kHz mono (torchaudio's sinc), all of the sound in windows of 10 s, the last one masked, weighted by length; "
        "float32; silence unscorable",
        licence="CC-BY-4.0",
        extra="audio",
        packages=("torch", "torchaudio", "audiobox_aesthetics"),
        notes="JavisBench's formula kept: production complexity counts as a quarter of it, though it is no quality, so busy "
        "sound gains. Read production_quality beside it.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (WHOLE,)

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` for silence."""
        return float(unless_silent(sample).mean())


@dataclass(frozen=True)
class AudioQualityJavisBench(AudioQuality):
    """JavisBench's AQ."""

    card: ClassVar[Card] = replace(
        AudioQuality.card,
        source="JavisVerse/JavisDiT, b505b37, eval/javisbench/src",
        version=2,
        protocol="mono; a 16 kHz file beside the clip as it is, the clip's own sound converted to 16 kHz (torchaudio's sinc; "
        "JavisBench's scripts: FFmpeg); cut or zero-padded to 4 s with the padding counted as sound; one window of 10 s; float32",
        notes="The official code resamples across the wrong axis, so that any file but one of 16 kHz plays at another speed and "
        "level; published numbers stem from 16 kHz files. A file of another rate beside the clip is refused. Silence is rated as "
        "any sound. Production complexity counts as a quality.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (AS_FED,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return float(sample[AS_FED][:PEAK].mean())


METRIC = AudioQuality()
PROTOCOLS = {"fixed": METRIC, "javisbench": AudioQualityJavisBench()}
