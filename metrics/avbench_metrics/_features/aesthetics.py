"""Audiobox Aesthetics of a clip's sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Read, Sample, Waveform
from avbench_metrics._features.mono_sound import SILENT, long_enough, sinc, whole

RATE, SHORTEST = 16_000, 400
PEAK = 4  # place of the largest sample among the five numbers


@dataclass(frozen=True)
class Aesthetics(Feature):
    """Content enjoyment, content usefulness, production complexity, production quality, and the sound's peak: float64 (5,).

    The peak tells silence, which the official code rates like any sound.
    """

    libraries: ClassVar[tuple[str, ...]] = ("audiobox-aesthetics",)

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at the file's rate."""
        return (Waveform(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return ("audiobox_aesthetics",)

    def prepare(self, clip: Clip) -> Array:
        """All of the sound at 16 kHz by torchaudio's sinc; raises ``Unscorable`` for none, or less than 25 ms."""
        samples, rate = whole(clip, Waveform())
        return long_enough(sinc(samples, rate, RATE), RATE, SHORTEST)

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """One clip at a time, so that no clip's digits depend on another."""
        from avbench_metrics._features.networks import audiobox

        network = weights.network("audiobox_aesthetics", audiobox.build, audiobox.tiny, device)

        def rate(batch: Sequence[Array]) -> Sequence[Array]:
            return [np.append(audiobox.ratings(network, samples, device), np.abs(samples).max()) for samples in batch]

        return rate


@dataclass(frozen=True)
class JavisBenchAesthetics(Aesthetics):
    """The same as JavisBench feeds it: a file of 16 kHz, cut or filled up with zeros that count as sound.

    JavisBench's scripts write such a file beside each clip. Where there is none, the clip's own sound is converted as they convert
    it; they use FFmpeg, here it is torchaudio's sinc. A file of another rate is refused: the official code resamples it across the
    wrong axis, so that it keeps its samples, scaled (0.33 from 48 kHz), and plays at another speed.
    Source: repository JavisVerse/JavisDiT, b505b37, eval/javisbench/src.

    Args:
        seconds: the evaluation's ``--max_audio_len_s``.
    """

    version: ClassVar[int] = 2
    seconds: float = 4.0

    def prepare(self, clip: Clip) -> Array:
        """``seconds`` at 16 kHz; raises ``Unscorable``: ``no_audio``, or ``unsupported`` for a file beside it of another rate."""
        samples, rate = whole(clip, Waveform())
        if rate != RATE and clip.audio_path is not None:
            raise Unscorable(
                f"{clip.audio_path.name} has {rate} Hz, of which the official code makes sound at a wrong speed; convert it to "
                f"{RATE} Hz, as JavisBench's scripts do.", "unsupported",
            )  # fmt: skip
        heard = sinc(samples, rate, RATE)
        count = int(RATE * self.seconds)
        return np.pad(heard[:count], (0, max(0, count - len(heard))))


def unless_silent(sample: Sample) -> Array:
    """The four ratings of ``Aesthetics``; raises ``Unscorable`` (``silent``) where no sample exceeds -80 dBFS."""
    found = sample[Aesthetics()]
    if found[PEAK] < SILENT:
        raise Unscorable("The sound is silent: no sample exceeds -80 dBFS.", "silent")
    return found[:PEAK]
