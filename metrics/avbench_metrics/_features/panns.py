"""PANNs Cnn14's logits and features of a clip's sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.feature import Array, Feature, Read, Waveform
from avbench_metrics._features.mono_sound import KAISER_BEST, audible, av_benchmark_sound, long_enough, sinc, whole

CLASSES = 527
SHORTEST = 4960  # samples at 16 kHz: 32 frames, which five poolings need
TEN_SECONDS = 320_000  # samples at 32 kHz


@dataclass(frozen=True)
class Panns(Feature):
    """527 logits, then the 2048 features behind them, of the sound as one: float32 (1, 2575).

    Args:
        seconds: av-benchmark's loader, cut to this length; None hears all of the sound and refuses silence.
    """

    seconds: float | None = None
    rate: ClassVar[int] = 16_000

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 16 kHz, or at the file's rate for av-benchmark's loader."""
        return (Waveform(self.rate if self.seconds is None else None),)

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return (f"panns_cnn14_{self.rate // 1000}k",)

    def prepare(self, clip: Clip) -> Array:
        """Samples at the network's rate; raises ``Unscorable`` for no, silent or too short sound."""
        if self.seconds is None:
            return audible(clip, self.rate, SHORTEST)
        return av_benchmark_sound(clip, self.rate, self.seconds)

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """One clip at a time: they differ in length, and no clip's digits may depend on another."""
        import torch

        from avbench_metrics._features.networks import panns_cnn14

        rate = self.rate
        network = weights.network(
            self.weights[0], lambda: panns_cnn14.build(rate), lambda: panns_cnn14.tiny(rate), device,
            convert=lambda content: content["model"], keep=panns_cnn14.FRONT_END,
        )  # fmt: skip

        def tag(batch: Sequence[Array]) -> Sequence[Array]:
            with torch.inference_mode():
                answers = [network(torch.from_numpy(samples)[None].to(device)) for samples in batch]
                return [torch.cat([answer.logits, answer.features], dim=1).cpu().numpy() for answer in answers]

        return tag


@dataclass(frozen=True)
class MovaPanns(Panns):
    """The same by the 32 kHz network, of exactly 10 s: cut, or filled up with zeros; silence is a sound as any other.

    Source: repository OpenMOSS/MOVA, 7f5195f, evaluation/metrics/audio_is_clap.
    """

    rate: ClassVar[int] = 32_000

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at the file's rate."""
        return (Waveform(),)

    def prepare(self, clip: Clip) -> Array:
        """320,000 samples; raises ``Unscorable`` for an empty stream."""
        samples, rate = whole(clip, Waveform())
        heard = sinc(samples, rate, self.rate)[:TEN_SECONDS]
        return np.pad(heard, (0, TEN_SECONDS - len(heard)))


@dataclass(frozen=True)
class KadtkPanns(Panns):
    """The same of a 16-bit file as KADTK writes it, Kaiser-windowed sinc at 16 kHz, all of the sound.

    Source: repository YoonjinXD/kadtk, 8bda71d, model ``panns-cnn14-16k``; resampling of microsoft/fadtk, from which it stems.
    """

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at the file's rate."""
        return (Waveform(),)

    def prepare(self, clip: Clip) -> Array:
        """Samples that are multiples of 1/32768; raises ``Unscorable`` for no or too short sound."""
        samples, rate = whole(clip, Waveform())
        heard = long_enough(sinc(samples, rate, self.rate, KAISER_BEST), self.rate, SHORTEST)
        return np.asarray(np.clip(np.rint(heard * 32768.0), -32768, 32767) / 32768.0, dtype=np.float32)
