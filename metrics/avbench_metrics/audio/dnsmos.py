"""DNSMOS: a network's guess at the mean opinion score of noisy speech."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from avbench.clip import Clip
from avbench.feature import Array, Feature, Read, Sample, Waveform
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.speech_activity import RATE, detector_digest, speech_of


@cache
def _weights() -> str:
    spec = importlib.util.find_spec("speechmos")
    if spec is None or spec.origin is None:
        return ""
    files = sorted(Path(spec.origin).parent.rglob("*.onnx"))
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()


@dataclass(frozen=True)
class Dnsmos(Feature):
    """Overall, signal and background scores: float64 (3,)."""

    libraries: ClassVar[tuple[str, ...]] = ("speechmos",)
    version: ClassVar[int] = 2

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 16 kHz."""
        return (Waveform(RATE),)

    @property
    def checkpoint(self) -> str:
        """sha256 over the networks inside the speechmos package, and of the speech detector; empty where they are not installed."""
        return _weights() + detector_digest()

    def prepare(self, clip: Clip) -> Array:
        """The whole sound; raises ``Unscorable`` where voice activity finds no speech."""
        samples, _ = clip.waveform(Waveform(RATE))
        speech_of(samples)
        return np.clip(samples, -1.0, 1.0)

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """speechmos runs its ONNX networks on the CPU."""
        from speechmos import dnsmos

        def judge(batch: Sequence[Array]) -> Sequence[Array]:
            found = [dnsmos.run(samples, sr=RATE) for samples in batch]
            return [np.asarray([f["ovrl_mos"], f["sig_mos"], f["bak_mos"]], dtype=np.float64) for f in found]

        return judge


SCORES = Dnsmos()


@dataclass(frozen=True)
class DnsmosOverall(ClipMetric):
    """DNSMOS P.835 overall."""

    card: ClassVar[Card] = Card(
        title="DNSMOS overall",
        better="higher",
        unit="MOS",
        range=(0.5, 5.5),
        formula="network prediction of ITU-T P.835 OVRL",
        source="Reddy et al., arXiv 2110.01763; speechmos",
        protocol="16 kHz mono, clips under 9.01 s repeated by the package",
        licence="MIT (speechmos)",
        version=2,
        extra="speech",
        install="pip install 'avbench[speech]' && pip install --no-deps resemblyzer silero-vad",
        packages=("speechmos", "onnxruntime", "silero_vad"),
        notes="Trained on speech: not applicable where Silero VAD finds under 0.5 s of it. Some singing counts as speech.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (SCORES,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return float(sample[SCORES][0])

    def details(self, sample: Sample) -> Mapping[str, float]:
        """Signal and background scores."""
        return {"signal": float(sample[SCORES][1]), "background": float(sample[SCORES][2])}


METRIC = DnsmosOverall()
