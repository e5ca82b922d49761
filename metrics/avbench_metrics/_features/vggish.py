"""VGGish embeddings of a clip's sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.feature import Array, Feature, Read, Waveform
from avbench_metrics._features.mono_sound import audible, av_benchmark_sound

RATE, SHORTEST = 16_000, 15_600  # 0.975 s hold one window
BATCH = 32  # windows


@dataclass(frozen=True)
class Vggish(Feature):
    """Embeddings of windows of 0.96 s without the last ReLU, PCA or quantisation: float32 (windows, 128).

    Args:
        seconds: av-benchmark's loader, cut to this length; None hears all of the sound and refuses silence.
    """

    seconds: float | None = None

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 16 kHz, or at the file's rate for av-benchmark's loader."""
        return (Waveform(RATE if self.seconds is None else None),)

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return ("vggish",)

    def prepare(self, clip: Clip) -> Array:
        """Log-mel windows float32 (windows, 96, 64); raises ``Unscorable`` for no, silent or too short sound."""
        from avbench_metrics._features.networks.vggish import log_mel_examples

        samples = audible(clip, RATE, SHORTEST) if self.seconds is None else av_benchmark_sound(clip, RATE, self.seconds)
        return log_mel_examples(samples).astype(np.float32)

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """One clip at a time, so that no clip's digits depend on another."""
        import torch

        from avbench_metrics._features.networks import vggish

        network = weights.network("vggish", vggish.build, vggish.tiny, device)

        def embed(batch: Sequence[Array]) -> Sequence[Array]:
            with torch.inference_mode():
                return [
                    np.concatenate([
                        network(torch.from_numpy(windows[i : i + BATCH]).to(device)).cpu().numpy()
                        for i in range(0, len(windows), BATCH)
                    ])
                    for windows in batch
                ]  # fmt: skip

        return embed
