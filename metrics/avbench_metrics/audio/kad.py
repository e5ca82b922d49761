"""KAD: a kernel distance of PANNs embeddings, unbiased for small sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from avbench.feature import Array, Feature, Sample
from avbench.metric import Card, SetMetric
from avbench_metrics._features.panns import CLASSES, KadtkPanns, Panns
from avbench_metrics._features.sample_sets import sizes, stacked
from avbench_metrics._maths.kernel import kernel_audio_distance

WHOLE, KADTK = Panns(), KadtkPanns()


@dataclass(frozen=True)
class Kad(SetMetric):
    """100 times the squared MMD of one embedding per clip, with the reference set's median distance as bandwidth."""

    card: ClassVar[Card] = Card(
        title="KAD",
        better="lower",
        unit="1",
        range=(-200.0, 200.0),
        formula="100 MMD^2, unbiased, kernel exp(-|x - y|^2 / (2 b^2)), b = median distance within the reference set, of 2048-d "
        "features",
        source="Chung et al., arXiv 2502.15602; YoonjinXD/kadtk",
        protocol="16 kHz mono (soxr HQ), all of the sound at once; PANNs Cnn14 at 16 kHz, features after ReLU; float64",
        licence="CC-BY-4.0 (weights)",
        extra="audio",
        packages=("torch",),
        notes="Unbiased, hence slightly negative where the sets agree. The paper's default network is Wavegram-Logmel-Cnn14, not "
        "Cnn14.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (WHOLE,)

    def embeddings(self, samples: Sequence[Sample]) -> Array:
        """(clips, 2048)."""
        return stacked(samples, self.uses[0])[:, CLASSES:]

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card; raises ``Unscorable`` where the reference clips all sound alike."""
        return kernel_audio_distance(self.embeddings(generated), self.embeddings(reference), "fixed")

    def summaries(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> Mapping[str, float]:
        """Clips of the smaller set beside the 2048 dimensions."""
        return sizes(self.embeddings(generated), self.embeddings(reference))


@dataclass(frozen=True)
class KadOfficial(Kad):
    """KADTK's number with its model ``panns-cnn14-16k``."""

    card: ClassVar[Card] = replace(
        Kad.card,
        formula="100 MMD^2, unbiased, kernel exp(-|x - y|^2 / (2 b^2)), b = median distance within the generated set, of 2048-d "
        "features",
        source="YoonjinXD/kadtk, 8bda71d",
        protocol="Kaiser-windowed sinc to 16 kHz mono, 16-bit samples, all of the sound at once; PANNs Cnn14 at 16 kHz, features "
        "after ReLU kept as float16; kernel in float64 (there float32)",
        packages=("torch", "torchaudio"),
        notes="The bandwidth is the generated set's, so every model has its own yardstick; README and paper say the reference's. "
        "Silence counts.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (KADTK,)

    def embeddings(self, samples: Sequence[Sample]) -> Array:
        """(clips, 2048) after rounding to float16."""
        return super().embeddings(samples).astype(np.float16)

    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """See the card; raises ``Unscorable`` where the generated clips all sound alike."""
        return kernel_audio_distance(self.embeddings(generated), self.embeddings(reference), "official")


METRIC = Kad()
PROTOCOLS = {"fixed": METRIC, "official": KadOfficial()}
