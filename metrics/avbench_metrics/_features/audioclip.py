"""AudioCLIP's embedding of a clip's sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.feature import Array, Feature, Read, Waveform
from avbench_metrics._features.mono_sound import KAISER_BEST, audible, sinc, whole

RATE, SHORTEST = 44_100, 1654  # samples of one window
FULL_SCALE = 32768.0
LIBROSA_RATE = 16_000


@dataclass(frozen=True)
class AudioClip(Feature):
    """The audio head's output, not normalised, for sound as the network was trained on it: float32 (1, 1024).

    44.1 kHz, samples at 16-bit scale, all of the sound. Source: repository AndreyGuzhov/AudioCLIP, utils/datasets.
    """

    width: ClassVar[int | None] = 1024

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 44.1 kHz."""
        return (Waveform(RATE),)

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return ("audioclip_full",)

    def prepare(self, clip: Clip) -> Array:
        """Samples; raises ``Unscorable`` for no, silent or too short sound."""
        return np.asarray(audible(clip, RATE, SHORTEST) * np.float32(FULL_SCALE))

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """One clip at a time: they differ in length, and no clip's digits may depend on another."""
        import torch

        from avbench_metrics._features.networks import audioclip_esresnext as head

        network = weights.network("audioclip_full", head.build, head.tiny, device, convert=audio_part, keep=("fbsp.", "window"))

        def embed(batch: Sequence[Array]) -> Sequence[Array]:
            with torch.inference_mode():
                return [network(torch.from_numpy(samples)[None, None].to(device)).cpu().numpy() for samples in batch]

        return embed


def audio_part(content: Mapping[str, Any]) -> dict[str, Any]:
    """The audio head of a file that holds heads for picture, words and sound."""
    return {name.removeprefix("audio."): value for name, value in content.items() if name.startswith("audio.")}


@dataclass(frozen=True)
class JavisBenchAudioClip(AudioClip):
    """The same for sound as JavisBench feeds it: 16 kHz, samples in [-1, 1], cut or filled up with zeros; silence included.

    Resampled by the Kaiser-windowed sinc of resampy's ``kaiser_best``, librosa's default at the version that JavisBench pins.

    Source: repository JavisVerse/JavisDiT, b505b37, eval/javisbench.

    Args:
        seconds: the evaluation's ``--max_audio_len_s``.
    """

    version: ClassVar[int] = 2
    seconds: float = 4.0

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at the file's rate."""
        return (Waveform(),)

    def prepare(self, clip: Clip) -> Array:
        """Samples; raises ``Unscorable`` for an empty stream."""
        samples, rate = whole(clip, Waveform())
        samples = sinc(samples, rate, LIBROSA_RATE, KAISER_BEST)
        count = int(self.seconds * LIBROSA_RATE)
        return np.pad(samples[:count], (0, max(0, count - len(samples))))
