"""Speaker embeddings (GE2E) of a clip and of its reference voice."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from avbench.clip import Clip
from avbench.feature import Array, Feature, Read, SpeakerReference, Waveform
from avbench_metrics._features.speech_activity import RATE, detector_digest, speech_of

LEVEL_DBFS = -30.0  # at which the encoder was trained: its mel energies are not logarithmic


@cache
def _weights() -> str:
    """sha256 of the weights inside the Resemblyzer wheel; empty where it is not installed."""
    spec = importlib.util.find_spec("resemblyzer")
    if spec is None or spec.origin is None:
        return ""
    return hashlib.sha256((Path(spec.origin).parent / "pretrained.pt").read_bytes()).hexdigest()


def levelled_speech(samples: Array) -> Array:
    """The speech of a recording, joined, at -30 dBFS: float32 (samples,) in [-1, 1] at 16 kHz; raises as ``speech_of``."""
    speech = speech_of(samples)
    power = float(np.sqrt(np.mean(np.square(speech, dtype=np.float64))))
    return np.asarray(np.clip(speech * (10 ** (LEVEL_DBFS / 20) / power), -1, 1), dtype=np.float32)


def _embed(device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
    import torch
    from resemblyzer import VoiceEncoder

    torch.set_num_threads(1)  # the same digits whatever the machine does beside
    encoder: Any = VoiceEncoder(device, verbose=False)

    def embed(batch: Sequence[Array]) -> Sequence[Array]:
        found = []
        for samples in batch:
            whole, parts, _ = encoder.embed_utterance(samples, return_partials=True, rate=4, min_coverage=0.5)
            found.append(np.concatenate([whole[None], parts]).astype(np.float64))
        return found

    return embed


@dataclass(frozen=True)
class Voice(Feature):
    """GE2E embeddings of the clip's speech: float64 (1 + parts, 256); row 0 is the whole, then windows of 1.6 s."""

    libraries: ClassVar[tuple[str, ...]] = ("resemblyzer",)
    version: ClassVar[int] = 2

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 16 kHz."""
        return (Waveform(RATE),)

    @property
    def checkpoint(self) -> str:
        """sha256 of the encoder's weights and of the speech detector's; empty where the packages are not installed."""
        return _weights() + detector_digest()

    def prepare(self, clip: Clip) -> Array:
        """Speech alone; raises ``Unscorable`` where there is none."""
        return levelled_speech(clip.waveform(Waveform(RATE))[0])

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """Resemblyzer's encoder."""
        return _embed(device)


@dataclass(frozen=True)
class ReferenceVoice(Voice):
    """The same of the prompt's reference recording."""

    @property
    def reads(self) -> tuple[Read, ...]:
        """The reference voice."""
        return (SpeakerReference(),)

    def prepare(self, clip: Clip) -> Array:
        """Speech alone; raises ``Unscorable`` where there is none or no reference."""
        return levelled_speech(clip.speaker(RATE))
