"""Predicted quality of speech (DNSMOS P.835), where there is speech."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from avbench.clip import Clip
from avbench.errors import AvbenchError, Unscorable
from avbench.feature import Array, Feature, Read, Sample, Waveform
from avbench.metric import Card, ClipMetric

RATE = 16_000
INPUT = 144_160  # 9.01 s, what the network was trained on
FRAME = RATE * 30 // 1000
MIN_SPEECH_SECONDS = 0.5
WEIGHTS = "269fbebdb513aa23cddfbb593542ecc540284a91849ac50516870e1ac78f6edd"
# The published map from the network's three outputs to the scale of listeners, highest power first.
POLYNOMIALS = ((-0.08397278, 1.22083953, 0.0052439), (-0.13166888, 1.60915514, -0.39604546),
               (-0.06766283, 1.11546468, 0.04602535))  # fmt: skip


@dataclass(frozen=True)
class DnsmosScores(Feature):
    """float64 (3,): SIG, BAK, OVRL, each the mean over segments of 9.01 s that start every second."""

    @property
    def reads(self) -> tuple[Read, ...]:
        """The mono mix at 16 kHz."""
        return (Waveform(RATE),)

    @property
    def checkpoint(self) -> str:
        """sha256 of sig_bak_ovr.onnx; ``load`` refuses another file."""
        return WEIGHTS

    def prepare(self, clip: Clip) -> Array:
        """Segments, float32 (segments, 144160); raises ``Unscorable`` (``not_applicable``) without 0.5 s of speech."""
        samples, _ = clip.waveform(Waveform(RATE))
        if speech_seconds(samples) < MIN_SPEECH_SECONDS:
            raise Unscorable(f"Less than {MIN_SPEECH_SECONDS} s of the sound are speech.")
        return segments(samples)

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """The network on the CPU, one thread; 1 s of sound costs some 10 ms, so no other device is of use."""
        import onnxruntime  # type: ignore[import-untyped]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(weights(), options, providers=["CPUExecutionProvider"])
        return lambda batch: [_predict(session, parts) for parts in batch]


def weights() -> bytes:
    """The network as the speechmos package ships it; raises ``AvbenchError`` where it is another file."""
    spec = find_spec("speechmos")
    assert spec is not None and spec.origin is not None  # the card names the package, so the catalogue has checked
    path = Path(spec.origin).parent / "dnsmos_models" / "sig_bak_ovr.onnx"
    data = path.read_bytes()
    if sha256(data).hexdigest() != WEIGHTS:
        raise AvbenchError(f"{path} is not the published DNSMOS network; reinstall speechmos.")
    return data


def speech_seconds(samples: Array) -> float:
    """Seconds of (samples,) at 16 kHz that WebRTC's detector, at its strictest, takes for speech."""
    import webrtcvad

    detector = webrtcvad.Vad(3)
    pcm = (np.clip(samples, -1.0, 1.0) * 32767).astype("<i2")
    frames = pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME)
    voiced = sum(bool(detector.is_speech(frame.tobytes(), RATE)) for frame in frames)
    return voiced * FRAME / RATE


def segments(samples: Array) -> Array:
    """Windows of 9.01 s every second, float32 (segments, 144160); shorter sound is doubled until it fills one."""
    wave = np.clip(np.asarray(samples, dtype=np.float32), -1.0, 1.0)
    while len(wave) < INPUT:
        wave = np.concatenate((wave, wave))
    count = int(len(wave) // RATE - INPUT / RATE) + 1
    starts = [i * RATE for i in range(count) if i * RATE + INPUT <= len(wave)]
    return np.stack([wave[i : i + INPUT] for i in starts])


def _predict(session: Any, parts: Array) -> Array:
    # One segment a time: a batch is no faster on one thread, and its rounding would depend on the clip's length.
    raw = np.array([session.run(None, {"input_1": part[None]})[0][0] for part in parts], dtype=np.float64)
    mapped = [np.polyval(np.array(p), raw[:, i]) for i, p in enumerate(POLYNOMIALS)]
    return np.asarray(np.mean(mapped, axis=1))


SCORES = DnsmosScores()

CARD = Card(
    title="DNSMOS OVRL",
    better="higher",
    unit="1",
    range=(0.0, 5.0),
    formula="mean over segments of the predicted overall P.835 opinion score (1 bad, 5 excellent; 4.6 is the map's "
    "top)",
    source="Reddy, Gopal and Cutler, ICASSP 2022 (10.1109/ICASSP43922.2022.9746108); weights of speechmos 0.0.1.1",
    protocol="16 kHz mono clipped to [−1, 1]; segments 9.01 s every 1 s, shorter sound repeated; published polynomial "
    "map; only clips with >= 0.5 s of speech by WebRTC VAD, mode 3, 30 ms frames",
    licence="MIT",
    extra="speech",
    packages=("speechmos", "onnxruntime", "webrtcvad"),
    notes="Trained on telephone-like speech with noise: music, effects and crowds under the voice count as noise (see "
    "BAK), though a film scene wants them. The VAD may take singing or harsh noise for speech.",
)


@dataclass(frozen=True)
class Dnsmos(ClipMetric):
    """The overall quality OVRL."""

    card: Card = field(default=CARD, init=False, repr=False)
    uses: tuple[Feature, ...] = (SCORES,)

    def score(self, sample: Sample) -> float:
        """OVRL; raises ``Unscorable`` (``not_applicable``) where there is no speech."""
        return float(sample[SCORES][2])

    def details(self, sample: Sample) -> Mapping[str, float]:
        """``sig``: quality of the voice itself; ``bak``: absence of background noise."""
        sig, bak, _ = sample[SCORES]
        return {"sig": float(sig), "bak": float(bak)}


METRIC = Dnsmos()
