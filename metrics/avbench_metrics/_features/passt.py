"""PaSST's logits and features of a clip's sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Read, Waveform
from avbench_metrics._features.mono_sound import audible, av_benchmark_sound, long_enough, whole

CLASSES = 527
RATE, SEGMENT = 32_000, 320_000
SHORTEST = 4801  # samples: 16 frames, one patch


@dataclass(frozen=True)
class Passt(Feature):
    """527 logits, then 768 features, each the mean over windows: float32 (1, 1295).

    Args:
        seconds: av-benchmark's loader, cut to this length, then one window of 10 s filled up with zeros; None hears all of the
            sound, in as few windows of at most 10 s as cover it, evenly spread and unpadded, and refuses silence.
    """

    libraries: ClassVar[tuple[str, ...]] = ("hear21passt",)
    seconds: float | None = None

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 32 kHz, or at the file's rate for av-benchmark's loader."""
        return (Waveform(RATE if self.seconds is None else None),)

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return ("passt_audioset",)

    def prepare(self, clip: Clip) -> Any:
        """A list of windows, each (samples,) at 32 kHz; raises ``Unscorable`` for no, silent or too short sound."""
        if self.seconds is None:
            return spread_windows(audible(clip, RATE, SHORTEST))
        heard = av_benchmark_sound(clip, RATE, self.seconds)[:SEGMENT]
        return [np.pad(heard, (0, SEGMENT - len(heard)))]

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """One window at a time: they differ in length, and no clip's digits may depend on another."""
        import torch

        from avbench_metrics._features.networks import passt

        network = weights.network("passt_audioset", passt.build, passt.tiny, device)

        def tag(batch: Sequence[Sequence[Array]]) -> Sequence[Array]:
            with torch.inference_mode():
                found = [
                    [passt.all_outputs(network, torch.from_numpy(np.float32(part))[None].to(device)) for part in windows]
                    for windows in batch
                ]
                return [torch.cat(parts).mean(dim=0, keepdim=True).cpu().numpy() for parts in found]

        return tag


def spread_windows(samples: Array) -> list[Array]:
    """The fewest windows of at most 10 s that cover (N,) samples at 32 kHz, the last one ending with the sound."""
    count = -(-len(samples) // SEGMENT)
    starts = np.linspace(0, max(0, len(samples) - SEGMENT), count).round().astype(int)
    return [samples[start : start + SEGMENT] for start in starts]


@dataclass(frozen=True)
class VerseBenchPasst(Passt):
    """The same over Verse-Bench's windows of 10 s every 5 s, of the sound with its peak at -1 dBFS.

    Source: repository Dorniwang/Verse-Bench, 5645a09, folder kl.
    """

    def prepare(self, clip: Clip) -> Any:
        """See ``Passt``. Digital silence has no peak to normalise by: NaN in the official code, ``Unscorable`` here."""
        from avbench_metrics._features.networks.passt import windows

        samples, rate = whole(clip, Waveform(RATE))
        peak = float(np.abs(long_enough(samples, rate, SHORTEST)).max())
        if not peak:
            raise Unscorable("The sound is digital silence: there is no peak to normalise by.", "silent")
        return windows(samples * np.float32(10 ** (-1 / 20) / peak))
