"""KL divergence of PANNs' tags between a clip and its reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.feature import Feature, Sample
from avbench.metric import Card, SetMetric
from avbench_metrics._features.mono_sound import AV_BENCHMARK_SECONDS, CUT
from avbench_metrics._features.panns import CLASSES, Panns
from avbench_metrics._features.sample_sets import pair_counts, paired, stacked
from avbench_metrics._maths.divergence import kl_softmax

WHOLE = Panns()


@dataclass(frozen=True)
class KlPanns(SetMetric):
    """Mean over pairs of KL(reference || generated) under softmax."""

    minimum: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        title="KL (PANNs)",
        better="lower",
        unit="nat",
        range=(-1e-9, float("inf")),
        formula="mean over pairs of sum_c p_ref (log p_ref - log p_gen), p = softmax of 527 logits",
        source="as in hkchengrex/av-benchmark; PANNs: Kong et al., arXiv 1912.10211",
        protocol="16 kHz mono (soxr HQ), all of the sound at once; Cnn14 at 16 kHz; pairs by id; float64",
        licence="CC-BY-4.0 (weights)",
        extra="audio",
        packages=("torch",),
        notes="Of pairs: a clip whose id has no reference adds nothing, the report counts both. The direction matters: what the "
        "reference holds and the clip lacks costs most. Softmax of logits that were trained for independent sigmoids, as "
        "everywhere.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (WHOLE,)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card; raises ``Unscorable`` where nothing is paired."""
        return kl_softmax(*(stacked(side, self.uses[0])[:, :CLASSES] for side in paired(generated, reference)))

    def summaries(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> Mapping[str, float]:
        """Pairs, and clips without a partner."""
        return pair_counts(generated, reference)


@dataclass(frozen=True)
class KlPannsAvBenchmark(KlPanns):
    """av-benchmark's KL-PANNS-softmax."""

    seconds: float = 8.0

    card: ClassVar[Card] = replace(
        KlPanns.card,
        source="hkchengrex/av-benchmark, 050a5cd",
        protocol=f"mean of the channels less the file's mean, torchaudio's sinc to 16 kHz, {CUT}; Cnn14 at 16 kHz; pairs by id; "
        "float64",
        packages=("torch", "torchaudio"),
        notes=f"{KlPanns.card.notes} Shorter sounds are refused (there the next file steps in); silence counts.",
    )

    @property
    def uses(self) -> tuple[Feature, ...]:  # type: ignore[override]
        """The sound as far as it is heard."""
        return (Panns(self.seconds),)


METRIC = KlPanns()
PROTOCOLS = {"fixed": METRIC, **{name: KlPannsAvBenchmark(seconds) for name, seconds in AV_BENCHMARK_SECONDS.items()}}
