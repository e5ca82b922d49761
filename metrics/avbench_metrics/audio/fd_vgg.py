"""FD of VGGish windows, which most papers call FAD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, SetMetric
from avbench_metrics._features.sample_sets import sizes, stacked
from avbench_metrics._features.vggish import Vggish
from avbench_metrics._maths.frechet import frechet_distance
from avbench_metrics._maths.frechet_official import av_benchmark_frechet

WHOLE, EIGHT_SECONDS = Vggish(), Vggish(8.0)


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

    card: ClassVar[Card] = replace(
        FdVgg.card,
        range=(-1.0, float("inf")),
        source="hkchengrex/av-benchmark, 050a5cd",
        protocol="mean of the channels less the file's mean, torchaudio's sinc to 16 kHz, first 8 s, windows of 0.96 s; no PCA, no "
        "quantisation, no last ReLU; np.cov and scipy's sqrtm in float64",
        packages=("torch", "torchaudio"),
        notes="-1 where the matrix root is not real, as in the official code: no distance but a failure. Its digits depend on "
        "scipy's version where covariances are singular. Sounds under 8 s are refused (there the next file steps in); silence "
        "counts.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (EIGHT_SECONDS,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return av_benchmark_frechet(stacked(generated, EIGHT_SECONDS), stacked(reference, EIGHT_SECONDS), "official")


METRIC = FdVgg()
PROTOCOLS = {"fixed": METRIC, "av_benchmark": FdVggAvBenchmark()}
