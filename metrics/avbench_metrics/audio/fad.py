"""FAD: the Fréchet distance of a set of sounds; which network stands behind it is the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, SetMetric
from avbench_metrics._features.audioclip import AudioClip, JavisBenchAudioClip
from avbench_metrics._features.sample_sets import sizes, stacked
from avbench_metrics._maths.frechet import frechet_distance
from avbench_metrics._maths.frechet_official import javisbench_frechet
from avbench_metrics.audio.fd_vgg import FdVgg, FdVggAvBenchmark

TRAINED, AS_FED = AudioClip(), JavisBenchAudioClip()


@dataclass(frozen=True)
class Fad(FdVgg):
    """What Kilgour et al. named FAD: VGGish windows, here in float64.

    The recommended one because it is what the name says in most papers, and because 128 dimensions with many windows per clip give
    regular covariances from some twenty clips on, where AudioCLIP's 1024 at one vector per clip need more than JavisBench-mini has.
    """

    card: ClassVar[Card] = replace(
        FdVgg.card, title="FAD", notes=f"The same number as fd_vgg@fixed. {FdVgg.card.notes}"
    )  # fmt: skip


@dataclass(frozen=True)
class FadVggish(FdVggAvBenchmark):
    """av-benchmark's FD-VGG under the name that papers use."""

    card: ClassVar[Card] = replace(
        FdVggAvBenchmark.card, title="FAD", notes=f"The same number as fd_vgg@av_benchmark. {FdVggAvBenchmark.card.notes}"
    )  # fmt: skip


@dataclass(frozen=True)
class FadAudioClip(SetMetric):
    """Fréchet distance of AudioCLIP's embeddings for sound as the network was trained on it, in float64."""

    card: ClassVar[Card] = Card(
        title="FAD (AudioCLIP)",
        better="lower",
        unit="1",
        range=(0.0, float("inf")),
        formula="|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of 1024-d embeddings",
        source="Guzhov et al., arXiv 2106.13043; the network of JavisVerse/JavisDiT, eval/javisbench, fed as "
        "AndreyGuzhov/AudioCLIP feeds it",
        protocol="44.1 kHz mono (soxr HQ) at 16-bit scale (x 32768), all of the sound, no padding; one unnormalised embedding "
        "per clip; unbiased covariances, float64, no factor",
        licence="MIT (repository of the weights)",
        extra="audio",
        packages=("torch",),
        notes="Covariances are singular up to 1024 clips and the distance is biased upwards, the more the fewer: compare only "
        "equal N.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (TRAINED,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return frechet_distance(*(stacked(side, self.uses[0]) for side in (generated, reference)))

    def summaries(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> Mapping[str, float]:
        """Clips of the smaller set beside the 1024 dimensions."""
        return sizes(*(stacked(side, self.uses[0]) for side in (generated, reference)))


@dataclass(frozen=True)
class FadJavisBench(FadAudioClip):
    """JavisBench's FAD."""

    card: ClassVar[Card] = replace(
        FadAudioClip.card,
        title="FAD",
        range=(float("-inf"), float("inf")),
        formula="10 000 (|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))) of 1024-d embeddings",
        source="JavisVerse/JavisDiT, b505b37, eval/javisbench",
        version=2,
        protocol="16 kHz mono (Kaiser-windowed sinc, as resampy's kaiser_best) in [-1, 1], cut or zero-padded to 4 s; one "
        "unnormalised embedding per clip; float32, roots by singular values, the first min(n, m) clips of both sets; times 10 000",
        notes="The network expects 44.1 kHz at 16-bit scale; it is fed 16 kHz at unit scale, where its front end keeps few bits "
        "of the sound. Float32 costs about 0.3 % at 1000 clips and can make the number negative. The resampler is that of the "
        "pinned librosa 0.9.2; from 0.10 on it is soxr HQ. Silence counts. Covariances are singular up to 1024 clips.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (AS_FED,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return 1e4 * javisbench_frechet(*(stacked(side, self.uses[0]) for side in (generated, reference)))

    def resampled(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """In float64, without the singular values of 1024 x 1024 per sub-sample."""
        count = min(len(generated), len(reference))
        return 1e4 * frechet_distance(*(stacked(side[:count], self.uses[0]) for side in (generated, reference)))


METRIC = Fad()
PROTOCOLS = {"fixed": METRIC, "vggish": FadVggish(), "audioclip": FadAudioClip(), "javisbench": FadJavisBench()}
