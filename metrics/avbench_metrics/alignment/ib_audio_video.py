"""AV-IB and IB-Score: whether sound and picture belong together, by ImageBind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import CATEGORIES, Card, ClipMetric
from avbench_metrics._features.imagebind import LICENCE, SOURCE, ImageBindSound, ImageBindVideo
from avbench_metrics._features.mono_sound import AV_BENCHMARK_SECONDS, CUT
from avbench_metrics._maths.cosine import cosine

SOUND = "sound: 16 kHz (torchaudio's sinc), three clips of 2 s, Kaldi log-mel 128 x 204"
CLIPS = "picture: five clips of 2 s, first and last frame, short side 224 (bilinear), three squares each; "
PAIRS = (
    "picture: half a frame per second (FFmpeg's fps filter), each frame with the next, short side 224 (bicubic), three squares "
    "each; "
)
FIRST_CHANNEL = ", first channel less the mean of all, overlapping clips share what was subtracted"


@dataclass(frozen=True)
class IbAudioVideo(ClipMetric):
    """Cosine of ImageBind's embeddings of sound and picture."""

    card: ClassVar[Card] = Card(
        title="AV-IB",
        better="higher",
        unit="1",
        range=(-1.0, 1.0),
        formula="cosine of ImageBind's embeddings of sound and picture (each a mean over clips and places)",
        source=SOURCE + "github.com/JavisVerse/JavisDiT, eval/javisbench",
        protocol=CLIPS + SOUND + ", mean of the channels; whole clip",
        licence=LICENCE,
        extra="clap",
        packages=("torch", "torchaudio"),
        notes="What, not when: it hardly hears a shift of a second. Literature multiplies it by 100 at times.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ImageBindSound("fixed"), ImageBindVideo())

    def score(self, sample: Sample) -> float:
        """See the card."""
        sound, video = self.uses
        return cosine(sample[sound], sample[video])


@dataclass(frozen=True)
class IbAudioVideoJavisBench(IbAudioVideo):
    """AV-IB as JavisBench's code computes it."""

    card: ClassVar[Card] = replace(
        IbAudioVideo.card,
        protocol=CLIPS + SOUND + FIRST_CHANNEL + "; whole clip",
        notes="Of stereo only the first channel is heard. For comparison with published tables; prefer fixed.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ImageBindSound("official"), ImageBindVideo())


@dataclass(frozen=True)
class IbAudioVideoAvBenchmark(IbAudioVideo):
    """IB-Score as av-benchmark computes it.

    Args:
        seconds: the length that the official code is told, for the picture alone.
    """

    seconds: float = 8.0

    card: ClassVar[Card] = replace(
        IbAudioVideo.card,
        title="IB-Score",
        source=SOURCE + "github.com/hkchengrex/av-benchmark",
        protocol=PAIRS + SOUND + FIRST_CHANNEL + "; picture " + CUT + ", sound not cut",
        version=2,
        notes="Needs 4 s of picture; the official code crashes below. 8 s give four frames, 4 s two, so most of the picture is "
        "never seen. Tables multiply it by 100.",
    )

    @property
    def uses(self) -> tuple[Feature, ...]:  # type: ignore[override]
        """All of the sound, and the picture as far as it is seen."""
        return (ImageBindSound("official"), ImageBindVideo("pairs", seconds=self.seconds))


@dataclass(frozen=True)
class IbAudioVideoMova(IbAudioVideo):
    """IB-Score as MOVA's toolkit computes it."""

    averaged: ClassVar[str] = CATEGORIES
    card: ClassVar[Card] = replace(
        IbAudioVideo.card,
        title="IB-Score",
        source=SOURCE + "github.com/OpenMOSS/MOVA, evaluation",
        version=2,
        protocol=PAIRS + SOUND + FIRST_CHANNEL + "; the last 0.1 s of picture is left out; mean of the means of the prompts' first "
        "categories",
        notes="As av-benchmark but for 0.1 s less of picture, so that 8 s give three frames. Verse-Bench's three sets weigh the "
        "same, whatever their size. MOVA's toolkit takes other frames where torio is not installed.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (ImageBindSound("official"), ImageBindVideo("pairs", 0.1))


METRIC = IbAudioVideo()
PROTOCOLS = {
    "fixed": METRIC,
    "javisbench": IbAudioVideoJavisBench(),
    **{name: IbAudioVideoAvBenchmark(seconds) for name, seconds in AV_BENCHMARK_SECONDS.items()},
    "mova": IbAudioVideoMova(),
}
