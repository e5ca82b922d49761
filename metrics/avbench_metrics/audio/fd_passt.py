"""FD of PaSST embeddings, one per clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Array, Feature, Sample
from avbench.metric import Card, SetMetric
from avbench_metrics._features.mono_sound import AV_BENCHMARK_SECONDS, CUT
from avbench_metrics._features.passt import CLASSES, Passt
from avbench_metrics._features.sample_sets import pair_counts, paired, sizes, stacked
from avbench_metrics._maths.frechet import frechet_distance
from avbench_metrics._maths.frechet_official import av_benchmark_frechet

WHOLE = Passt()


@dataclass(frozen=True)
class FdPasst(SetMetric):
    """Fréchet distance of one embedding per clip, in float64, never negative."""

    card: ClassVar[Card] = Card(
        title="FD (PaSST)",
        better="lower",
        unit="1",
        range=(0.0, float("inf")),
        formula="|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of 768-d features",
        source="Koutini et al., arXiv 2110.05069; as in hkchengrex/av-benchmark",
        protocol="32 kHz mono (soxr HQ), all of the sound in as few windows of at most 10 s as cover it, unpadded, features "
        "averaged; passt_s_swa_p16_128_ap476, mean of class and distillation token; unbiased covariances, float64; all clips of "
        "both sets",
        licence="Apache-2.0 (repository of the weights)",
        extra="audio",
        packages=("torch", "hear21passt"),
        notes="Covariances are singular up to 768 clips and the distance is biased upwards, the more the fewer: compare only "
        "equal N.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (WHOLE,)

    def embeddings(self, samples: Sequence[Sample]) -> Array:
        """(clips, 768)."""
        return stacked(samples, self.uses[0])[:, CLASSES:]

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card."""
        return frechet_distance(self.embeddings(generated), self.embeddings(reference))

    def summaries(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> Mapping[str, float]:
        """Clips of the smaller set beside the 768 dimensions."""
        return sizes(self.embeddings(generated), self.embeddings(reference))


@dataclass(frozen=True)
class FdPasstAvBenchmark(FdPasst):
    """av-benchmark's FD-PASST of paired sets."""

    seconds: float = 8.0

    card: ClassVar[Card] = replace(
        FdPasst.card,
        range=(-1.0, float("inf")),
        source="hkchengrex/av-benchmark, 050a5cd",
        protocol=f"mean of the channels less the file's mean, torchaudio's sinc to 32 kHz, {CUT}, filled up with zeros to 10 "
        "s; passt_s_swa_p16_128_ap476, mean of class and distillation token; clips whose id stands in both sets alone; np.cov "
        "and scipy's sqrtm in float64",
        packages=("torch", "torchaudio", "hear21passt"),
        notes="-1 where the matrix root is not real, as in the official code: no distance but a failure. Its digits depend on "
        "scipy's version up to 768 clips, where covariances are singular. Unlike its FD-VGG and FD-PANN it compares pairs only "
        "(without --unpaired). Shorter sounds are refused (there the next file steps in); silence counts.",
    )

    @property
    def uses(self) -> tuple[Feature, ...]:  # type: ignore[override]
        """The sound as far as it is heard."""
        return (Passt(self.seconds),)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card; raises ``Unscorable`` where nothing is paired."""
        ours, theirs = paired(generated, reference)
        return av_benchmark_frechet(self.embeddings(ours), self.embeddings(theirs), "official")

    def resampled(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """The exact distance: a matrix root per sub-sample would take minutes."""
        return frechet_distance(*(self.embeddings(side) for side in paired(generated, reference)))

    def summaries(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> Mapping[str, float]:
        """Pairs, and clips without a partner."""
        return pair_counts(generated, reference)


METRIC = FdPasst()
PROTOCOLS = {"fixed": METRIC, **{name: FdPasstAvBenchmark(seconds) for name, seconds in AV_BENCHMARK_SECONDS.items()}}
