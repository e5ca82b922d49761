"""What is said in a clip, as text that Whisper heard.

A feature is an array, so a transcript travels as its UTF-8 bytes: uint8 (bytes,), empty where nothing was said; see ``text_of``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.feature import Array, Feature, PromptText, Read, Waveform
from avbench_metrics._features.speech_activity import detector_digest, speech_spans
from avbench_metrics._maths.script import language_of_script

if TYPE_CHECKING:
    from avbench_metrics._features.networks.whisper import Recogniser

RATE = 16_000
FORCED = ("zh", "ja", "ko")  # scripts that settle the language; the others are left to the network


def as_array(text: str) -> Array:
    """UTF-8 bytes of a text, uint8 (bytes,)."""
    return np.frombuffer(text.encode(), dtype=np.uint8)


def text_of(transcript: Array) -> str:
    """The text of such an array."""
    return transcript.astype(np.uint8).tobytes().decode()


@dataclass(frozen=True)
class Whisper(Feature):
    """The whole clip's words by a Whisper of any size: uint8 (bytes,).

    Args:
        size: name of the checkpoint, such as ``whisper_large_v3`` or ``whisper_tiny_en``.
    """

    libraries: ClassVar[tuple[str, ...]] = ("transformers",)
    size: str = "whisper_large_v3"

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 16 kHz; the prompt's script, which may settle the language."""
        return (Waveform(RATE), PromptText())

    @property
    def weights(self) -> tuple[str, ...]:
        """The network of that size."""
        return (self.size,)

    @property
    def checkpoint(self) -> str:
        """Digests of the network and of the speech detector."""
        return super().checkpoint + detector_digest()

    def prepare(self, clip: Clip) -> tuple[Array, str]:
        """Sound and forced language; no sound at all where the detector hears no speech, as Whisper makes words out of noise."""
        samples, _ = clip.waveform(Waveform(RATE))
        language = language_of_script(" ".join(clip.prompt.speech))
        return samples if speech_spans(samples) else samples[:0], language if language in FORCED else ""

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Whisper, clip by clip."""
        recogniser = whisper(self.size, device)
        return lambda batch: [as_array(recogniser.transcribe(samples, language)) if len(samples) else as_array("")
                              for samples, language in batch]  # fmt: skip


@dataclass(frozen=True)
class SeedTtsWhisper(Feature):
    """The words of the first 30 s by Whisper-large-v3 as Seed-TTS-eval asks it: uint8 (bytes,).

    English is forced, nothing checks for speech, and the sound is resampled to 16 kHz by a Fourier transform over its whole length.
    """

    libraries: ClassVar[tuple[str, ...]] = ("transformers",)

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at its own rate."""
        return (Waveform(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """Whisper-large-v3."""
        return ("whisper_large_v3",)

    def prepare(self, clip: Clip) -> Array:
        """Sound at 16 kHz."""
        from scipy.signal import resample

        samples, rate = clip.waveform(Waveform())
        if rate == RATE or not len(samples):
            return samples
        return np.asarray(resample(samples, int(len(samples) * RATE / rate)), dtype=np.float32)

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """Whisper, clip by clip."""
        recogniser = whisper("whisper_large_v3", device)
        return lambda batch: [as_array(recogniser.transcribe(samples, "en", whole=False)) for samples in batch]


def whisper(name: str, device: str) -> Recogniser:
    """A Whisper on a device, made once per process; its small stand-in where stand-ins are asked for."""

    def make() -> Recogniser:
        from avbench_metrics._features.networks import whisper as networks

        made = networks.tiny() if weights.stands_in(name) else networks.load(next(iter(weights.paths(name).values())).parent)
        made.network.to(device)
        return made

    return weights.shared(("whisper", name, device), name, make)  # type: ignore[no-any-return]
