"""FD of VGGish windows, which most papers call FAD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, SetMetric
from avbench_metrics._features.mono_sound import AV_BENCHMARK_SECONDS, CUT
from avbench_metrics._features.sample_sets import sizes, stacked
from avbench_metrics._features.vggish import Vggish
from avbench_metrics._maths.frechet import frechet_distance
from avbench_metrics._maths.frechet_official import av_benchmark_frechet

WHOLE = Vggish()


@dataclass(frozen=True)
class FdVgg(SetMetric):
    """Fréchet distance of all windows of all clips, in float64, never negative."""

    card: ClassVar[Card] = Card(
        title="FD (VGGish)",
        better="lower",
        unit="1",
        range=(0.0, float("inf")),
        formula="|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of 128-d embeddings of 0.96 s",
        source="Kilgour et al., arXiv 1812.08466; VGGish as in hkchengrex/av-benchmark and harritaylor/torchvggish",
        protocol="16 kHz mono (soxr HQ), all of the sound, windows of 0.96 s without overlap, the rest dropped; no PCA, no "
        "quantisation, no last ReLU; unbiased covariances, float64",
        licence="Apache-2.0 (repository of the weights)",
        extra="audio",
        packages=("torch",),
        notes="Biased upwards for few clips; singular under 129 windows, which the report's vectors and dimensions show. VGGish "
        "follows what people hear less well than PANNs or CLAP do (Gui et al., arXiv 2311.01616; Tailleur et al., arXiv "
        "2403.17508).",
    )
    uses: ClassVar[tuple[Feature, ...]] = (WHOLE,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return frechet_distance(*(stacked(side, self.uses[0]) for side in (generated, reference)))

    def summaries(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> Mapping[str, float]:
        """Windows of the smaller set beside their 128 dimensions."""
        return sizes(*(stacked(side, self.uses[0]) for side in (generated, reference)))


@dataclass(frozen=True)
class FdVggAvBenchmark(FdVgg):
    """av-benchmark's FD-VGG."""

    seconds: float = 8.0

    card: ClassVar[Card] = replace(
        FdVgg.card,
        range=(-1.0, float("inf")),
        source="hkchengrex/av-benchmark, 050a5cd",
        protocol=f"mean of the channels less the file's mean, torchaudio's sinc to 16 kHz, {CUT}, windows of 0.96 s; no PCA, no "
        "quantisation, no last ReLU; np.cov and scipy's sqrtm in float64",
        packages=("torch", "torchaudio"),
        notes="-1 where the matrix root is not real, as in the official code: no distance but a failure. Its digits depend on "
        "scipy's version where covariances are singular. Shorter sounds are refused (there the next file steps in); silence "
        "counts.",
    )

    @property
    def uses(self) -> tuple[Feature, ...]:  # type: ignore[override]
        """The sound as far as it is heard."""
        return (Vggish(self.seconds),)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return av_benchmark_frechet(stacked(generated, self.uses[0]), stacked(reference, self.uses[0]), "official")


METRIC = FdVgg()
PROTOCOLS = {"fixed": METRIC, **{name: FdVggAvBenchmark(seconds) for name, seconds in AV_BENCHMARK_SECONDS.items()}}
