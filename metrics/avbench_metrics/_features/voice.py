"""Speaker embeddings (GE2E) of a clip and of its reference voice."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Read, SpeakerReference, Waveform

RATE, BLOCK = 16_000, 480  # webrtcvad takes blocks of 30 ms
SPEECH_SECONDS = 0.5


@cache
def _weights() -> str:
    """sha256 of the weights inside the Resemblyzer wheel; empty where it is not installed."""
    spec = importlib.util.find_spec("resemblyzer")
    if spec is None or spec.origin is None:
        return ""
    return hashlib.sha256((Path(spec.origin).parent / "pretrained.pt").read_bytes()).hexdigest()


def speech_only(samples: Array) -> Array:
    """The 30 ms blocks in which WebRTC's detector (mode 2) hears speech, joined; level normalised to -30 dBFS first.

    Raises:
        Unscorable: less than half a second of speech.
    """
    import webrtcvad

    power = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
    if power < 1e-4:
        raise Unscorable("The sound is silent: there is no voice to compare.")
    level = np.clip(samples * (10 ** (-30 / 20) / power), -1, 1)
    blocks = level[: len(level) // BLOCK * BLOCK].reshape(-1, BLOCK)
    detector = webrtcvad.Vad(2)
    spoken = [detector.is_speech((block * 32767).astype(np.int16).tobytes(), RATE) for block in blocks]
    seconds = sum(spoken) * BLOCK / RATE
    if seconds < SPEECH_SECONDS:
        raise Unscorable(f"Voice activity found {seconds:.2f} s of speech; {SPEECH_SECONDS} s are needed.")
    return np.asarray(blocks[np.asarray(spoken)].ravel(), dtype=np.float32)


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

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 16 kHz."""
        return (Waveform(RATE),)

    @property
    def checkpoint(self) -> str:
        """See ``Feature``."""
        return _weights()

    def prepare(self, clip: Clip) -> Array:
        """Speech alone; raises ``Unscorable`` where there is none."""
        return speech_only(clip.waveform(Waveform(RATE))[0])

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
        return speech_only(clip.speaker(RATE))
