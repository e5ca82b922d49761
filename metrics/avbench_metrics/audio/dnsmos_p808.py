"""DNSMOS P.808 as MOVA's Verse-Bench toolkit computes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Read, Sample, Waveform
from avbench.metric import Card, ClipMetric

RATE, SECONDS = 16_000, 9.01
LENGTH = int(SECONDS * RATE)


def windows(samples: Array) -> list[Array]:
    """Windows of 9.01 s, one per second, of a sound that is doubled until it fills one; a rest that fills none is not heard.

    Kept of Microsoft's script, which speechmos carries: its ends in seconds round down from the window at 7 s on, which leaves
    those one sample short and unheard, so that nothing after 15.01 s counts.

    Args:
        samples: (samples,) at 16 kHz, at least one.
    """
    while len(samples) < LENGTH:
        samples = np.concatenate([samples, samples])
    count = int(np.floor(len(samples) / RATE) - SECONDS) + 1
    parts = [samples[i * RATE : int((i + SECONDS) * RATE)] for i in range(count)]
    return [part for part in parts if len(part) >= LENGTH]


def spectrum(window: Array) -> Array:
    """Input of the network: float32 (1, 900, 120), mel energies in dB below the window's loudest bin, (dB + 40) / 40."""
    import librosa

    mel = librosa.feature.melspectrogram(y=window[:-160], sr=RATE, n_fft=321, hop_length=160, n_mels=120)
    return np.asarray(((librosa.power_to_db(mel, ref=np.max) + 40) / 40).T[None], dtype=np.float32)


@dataclass(frozen=True)
class DnsmosP808(Feature):
    """Score of each window: float64 (windows,)."""

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 16 kHz."""
        return (Waveform(RATE),)

    @property
    def weights(self) -> tuple[str, ...]:
        """The network inside the speechmos package."""
        return ("dnsmos_p808",)

    def prepare(self, clip: Clip) -> Array:
        """The whole sound; raises ``Unscorable`` where it has no sample."""
        samples, _ = clip.waveform(Waveform(RATE))
        if not len(samples):
            raise Unscorable("The sound has no sample.", "too_short")
        return samples

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """onnxruntime on the CPU, window by window."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1  # the same digits whatever the machine does beside
        (file,) = weights.paths("dnsmos_p808").values()
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

        def judge(samples: Array) -> Array:
            found = [session.run(None, {"input_1": spectrum(window)})[0][0][0] for window in windows(samples)]
            return np.asarray(found, dtype=np.float64)

        return lambda batch: [judge(samples) for samples in batch]


SCORES = DnsmosP808()


@dataclass(frozen=True)
class DnsmosP808Mean(ClipMetric):
    """Mean of the windows."""

    card: ClassVar[Card] = Card(
        title="DNSMOS P.808",
        better="higher",
        unit="MOS",
        range=(0.0, 6.0),
        formula="mean over windows of a network's prediction of the ITU-T P.808 opinion score",
        source="Reddy et al., arXiv 2010.15258; repository OpenMOSS/MOVA, 595a976 (evaluation); weights as in speechmos 0.0.1.1",
        protocol="16 kHz mono by soxr; doubled until 9.01 s; windows of 9.01 s, hop 1 s; 120 mel bands, n_fft 321, hop 160; no "
        "peak normalisation (VERSA scales the peak to 1 first), no voice activity detection",
        licence="MIT (speechmos)",
        extra="speech",
        packages=("speechmos", "onnxruntime", "librosa"),
        notes="Nothing after 15.01 s is heard, a rounding slip of Microsoft's script. MOVA judges only its set of speech; a clip "
        "without speech, even a silent one, gets a figure here too, as it does there. The scale is P.808's single score: not "
        "comparable with the P.835 overall score of dnsmos.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (SCORES,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return float(np.mean(sample[SCORES]))


METRIC = DnsmosP808Mean()
PROTOCOLS = {"mova": METRIC}
