"""CLAP score: whether the sound is what the prompt says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from avbench.feature import Feature, Sample
from avbench.metric import CATEGORIES, Card, ClipMetric
from avbench_metrics._features.clap import LICENCE, LICENCE_OF_LAION, PACKAGES, SOURCE, ClapSound, ClapText
from avbench_metrics._features.mono_sound import AV_BENCHMARK_SECONDS, CUT
from avbench_metrics._maths.cosine import cosine

FUSION = "630k-audioset-fusion-best (HTS-AT tiny, fusion)"
SHORT = "sounds under 10 s repeated in whole, then zeros; "
SEEDED = "of longer sounds 10 s drawn with the clip's digest as seed (the official code draws without seed, so its number varies); "
FUSED = (
    "peak at -1 dB, 16 bits; " + SHORT + "longer ones as a whole shrunk to 10 s, and by 10 s from each third drawn with the "
    "clip's digest as seed (the official code draws without seed, so its number varies); "
)
COMPARED = " For comparison with published tables; prefer fixed."


@dataclass(frozen=True)
class ClapScore(ClipMetric):
    """Cosine of CLAP's embeddings of sound and text."""

    card: ClassVar[Card] = Card(
        title="CLAP score",
        better="higher",
        unit="1",
        range=(-1.0, 1.0),
        formula="mean over the prompt's sounds in words of the cosine of CLAP's embeddings of the words and of the sound",
        source=SOURCE + "laion/clap-htsat-unfused, as JavisBench",
        protocol="laion/clap-htsat-unfused; 48 kHz mono (soxr); " + SHORT + "longer ones 10 s after 10 s, mean of the embeddings; "
        "text of at most 77 tokens; texts that only say that there is no sound are left out",
        licence=LICENCE,
        extra="clap",
        packages=PACKAGES,
        needs=("audio_text",),
        notes="The network decides about ranks: figures of two checkpoints do not compare. Typical values .2 to .5.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ClapText("fixed"), ClapSound("fixed"))

    def score(self, sample: Sample) -> float:
        """See the card."""
        return float(np.mean(self._cosines(sample)))

    def details(self, sample: Sample) -> Mapping[str, float]:
        """How many texts, and the cosine of the best."""
        cosines = self._cosines(sample)
        return {"texts": float(len(cosines)), "best": max(cosines)}

    def _cosines(self, sample: Sample) -> list[float]:
        words, sound = self.uses
        return [cosine(text, sample[sound]) for text in sample[words]]


@dataclass(frozen=True)
class ClapScoreJavisBench(ClapScore):
    """As JavisBench's code computes it."""

    card: ClassVar[Card] = replace(
        ClapScore.card,
        formula="cosine of CLAP's embeddings of the prompt's sound in words and of the sound",
        source=SOURCE + "github.com/JavisVerse/JavisDiT, eval/javisbench",
        version=2,
        protocol="laion/clap-htsat-unfused; 48 kHz mono (Kaiser-windowed sinc, as resampy's kaiser_best); "
        f"{SHORT}{SEEDED}text not cut",
        notes="The official code fails on texts of more than 512 tokens; such clips are left without a score." + COMPARED,
    )
    uses: ClassVar[tuple[Feature, ...]] = (ClapText("javisbench"), ClapSound("javisbench"))


@dataclass(frozen=True)
class ClapScoreAvBenchmark(ClapScore):
    """LAION-CLAP-Score as av-benchmark computes it."""

    seconds: float = 8.0

    card: ClassVar[Card] = replace(
        ClapScore.card,
        title="LAION-CLAP-Score",
        formula="cosine of CLAP's embeddings of the prompt's sound in words and of the sound",
        source=SOURCE + "github.com/hkchengrex/av-benchmark",
        protocol="music_speech_audioset_epoch_15_esc_89.98 (HTS-AT base, no fusion); mean of the channels, less its mean, 48 kHz "
        "(torchaudio's sinc), no 16-bit grid; " + CUT + "; " + SHORT + SEEDED + "text of at most 77 tokens",
        licence=LICENCE_OF_LAION,
        packages=(*PACKAGES, "torchaudio"),
        version=2,
        notes="Shorter sounds are refused (there the next file steps in)." + COMPARED,
    )

    @property
    def uses(self) -> tuple[Feature, ...]:  # type: ignore[override]
        """The words, and the sound as far as it is heard."""
        return (ClapText("av_benchmark"), ClapSound("av_benchmark", self.seconds))


@dataclass(frozen=True)
class ClapScoreVerseBench(ClapScore):
    """CS as Verse-Bench's code computes it."""

    card: ClassVar[Card] = replace(
        ClapScore.card,
        title="CS",
        formula="cosine of CLAP's embeddings of the first of the prompt's sounds in words and of the sound",
        source=SOURCE + "github.com/Dorniwang/Verse-Bench",
        protocol=FUSION + "; 48 kHz mono (soxr, as librosa); " + FUSED + "text of at most 77 tokens",
        licence=LICENCE_OF_LAION,
        needs=(),
        notes="Of several described sounds only the first is compared; an empty one is compared as the empty text and counts, as "
        "do texts that say that there is no sound. Silence has no score; the official code makes it NaN." + COMPARED,
    )
    uses: ClassVar[tuple[Feature, ...]] = (ClapText("verse_bench"), ClapSound("verse_bench"))


@dataclass(frozen=True)
class ClapScoreMova(ClapScore):
    """CLAP as MOVA's toolkit computes it."""

    averaged: ClassVar[str] = CATEGORIES
    card: ClassVar[Card] = replace(
        ClapScore.card,
        formula="cosine of CLAP's embeddings of the prompt's text and of the sound",
        source=SOURCE + "github.com/OpenMOSS/MOVA, evaluation",
        version=2,
        protocol=FUSION + "; 32 kHz mono (soxr) passed off as 48 kHz; " + FUSED + "the whole scene's text, at most 77 tokens; mean "
        "of the means of the prompts' first categories",
        licence=LICENCE_OF_LAION,
        needs=("text",),
        notes="The network hears the sound 1.5 times too fast, and 15 s as 10 s; the text is the whole prompt with its dialogue, "
        "cut. Verse-Bench's three sets weigh the same, whatever their size." + COMPARED,
    )
    uses: ClassVar[tuple[Feature, ...]] = (ClapText("mova"), ClapSound("mova"))


METRIC = ClapScore()
PROTOCOLS = {
    "fixed": METRIC,
    "javisbench": ClapScoreJavisBench(),
    **{name: ClapScoreAvBenchmark(seconds) for name, seconds in AV_BENCHMARK_SECONDS.items()},
    "verse_bench": ClapScoreVerseBench(),
    "mova": ClapScoreMova(),
}
