"""FD of PANNs embeddings, one per clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Array, Feature, Sample
from avbench.metric import Card, SetMetric
from avbench_metrics._features.mono_sound import AV_BENCHMARK_SECONDS, CUT
from avbench_metrics._features.panns import CLASSES, Panns
from avbench_metrics._features.sample_sets import sizes, stacked
from avbench_metrics._maths.frechet import frechet_distance
from avbench_metrics._maths.frechet_official import av_benchmark_frechet

WHOLE = Panns()


@dataclass(frozen=True)
class FdPanns(SetMetric):
    """Fréchet distance of one embedding per clip, in float64, never negative."""

    card: ClassVar[Card] = Card(
        title="FD (PANNs)",
        better="lower",
        unit="1",
        range=(0.0, float("inf")),
        formula="|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of 2048-d features",
        source="Kong et al., arXiv 1912.10211; as in hkchengrex/av-benchmark and haoheliu/audioldm_eval",
        protocol="16 kHz mono (soxr HQ), all of the sound at once; Cnn14 at 16 kHz, features after ReLU; unbiased covariances, "
        "float64",
        licence="CC-BY-4.0 (weights)",
        extra="audio",
        packages=("torch",),
        notes="Covariances are singular up to 2048 clips and the distance is biased upwards, the more the fewer: compare only "
        "equal N.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (WHOLE,)

    def embeddings(self, samples: Sequence[Sample]) -> Array:
        """(clips, 2048)."""
        return stacked(samples, self.uses[0])[:, CLASSES:]

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return frechet_distance(self.embeddings(generated), self.embeddings(reference))

    def summaries(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> Mapping[str, float]:
        """Clips of the smaller set beside the 2048 dimensions."""
        return sizes(self.embeddings(generated), self.embeddings(reference))


@dataclass(frozen=True)
class FdPannsAvBenchmark(FdPanns):
    """av-benchmark's FD-PANN."""

    seconds: float = 8.0

    card: ClassVar[Card] = replace(
        FdPanns.card,
        range=(-1.0, float("inf")),
        source="hkchengrex/av-benchmark, 050a5cd",
        protocol=f"mean of the channels less the file's mean, torchaudio's sinc to 16 kHz, {CUT}; Cnn14 at 16 kHz, features "
        "after ReLU; all clips of both sets, paired or not; np.cov and scipy's sqrtm in float64",
        packages=("torch", "torchaudio"),
        notes="-1 where the matrix root is not real, as in the official code: no distance but a failure. Its digits depend on "
        "scipy's version up to 2048 clips, where covariances are singular. Shorter sounds are refused (there the next file "
        "steps in); silence counts. The root of 2048 x 2048 takes about a minute.",
    )

    @property
    def uses(self) -> tuple[Feature, ...]:  # type: ignore[override]
        """The sound as far as it is heard."""
        return (Panns(self.seconds),)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return av_benchmark_frechet(self.embeddings(generated), self.embeddings(reference), "official")

    def resampled(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """The exact distance: a matrix root per sub-sample would take half an hour."""
        return frechet_distance(self.embeddings(generated), self.embeddings(reference))


METRIC = FdPanns()
PROTOCOLS = {"fixed": METRIC, **{name: FdPannsAvBenchmark(seconds) for name, seconds in AV_BENCHMARK_SECONDS.items()}}
