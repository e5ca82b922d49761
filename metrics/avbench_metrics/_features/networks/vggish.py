"""VGGish (Hershey et al., arXiv 1609.09430): 128 numbers for every 0.96 s of sound, as in the first Fréchet audio distance.

Names of parameters are those of harritaylor/torchvggish (``vggish-10086976.pth``). PCA and quantisation belong to AudioSet's
released embeddings and are left out by every code that measures a FAD with it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from avbench.feature import Array
from avbench_metrics._maths.mel import filters

RATE = 16_000
WINDOW, HOP, TRANSFORM = 400, 160, 512  # samples
FRAMES, BANDS = 96, 64
SHORTEST = WINDOW + (FRAMES - 1) * HOP  # samples of one example: 0.975 s
FLOOR = 0.01

_WIDTHS = (64, 0, 128, 0, 256, 256, 0, 512, 512, 0)  # 0 is a pooling


class Vggish(nn.Module):
    """The network.

    Args:
        last_relu: torchvggish ends with a ReLU; av-benchmark leaves it out, so that its embedding may be negative.
        divisor: every inner width is divided by it; 1 is the official network.
    """

    def __init__(self, *, last_relu: bool = False, divisor: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = 1
        for wanted in _WIDTHS:
            if wanted:
                layers += [nn.Conv2d(width, wanted // divisor, 3, padding=1), nn.ReLU()]
                width = wanted // divisor
            else:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        hidden = 4096 // divisor
        tail = [nn.ReLU()] if last_relu else []
        self.embeddings = nn.Sequential(
            nn.Linear(width * (FRAMES // 16) * (BANDS // 16), hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, 128), *tail,
        )  # fmt: skip

    def forward(self, examples: torch.Tensor) -> torch.Tensor:
        """Embeddings.

        Args:
            examples: (..., 96, 64) of ``log_mel_examples``.

        Returns:
            (..., 128).

        Raises:
            ValueError: another shape.
        """
        if examples.ndim < 2 or examples.shape[-2:] != (FRAMES, BANDS):
            raise ValueError(f"VGGish takes (..., {FRAMES}, {BANDS}), not {tuple(examples.shape)}.")
        maps = self.features(examples.reshape(-1, 1, FRAMES, BANDS))
        # The weights come from TensorFlow, where channels are the last dimension.
        found = self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))
        return found.reshape(*examples.shape[:-2], found.shape[1])


def build(*, last_relu: bool = False) -> nn.Module:
    """The official network, randomly initialised, in eval mode: av-benchmark's layout, or torchvggish's with ``last_relu``."""
    return Vggish(last_relu=last_relu).eval()


def tiny() -> nn.Module:
    """The same network with 1/32 of its channels and 128 outputs: a stand-in that knows nothing."""
    return Vggish(divisor=32).eval()


def log_mel_examples(samples: Array) -> Array:
    """Natural log of mel magnitudes, cut into windows of 96 frames without overlap; what is left at the end is dropped.

    Frames of 25 ms every 10 ms without padding, periodic Hann window, magnitude of a 512-point transform, 64 triangles on the HTK
    mel scale from 125 to 7500 Hz, log(x + 0.01).

    Args:
        samples: (n,) mono at 16 kHz in [-1, 1].

    Returns:
        (n_examples, 96, 64) float64; no example where the sound is shorter than 0.975 s.

    Raises:
        ValueError: not one-dimensional.
    """
    if samples.ndim != 1:
        raise ValueError(f"VGGish's front end takes mono samples (n,), not {samples.shape}.")
    if len(samples) < SHORTEST:
        return np.empty((0, FRAMES, BANDS))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(samples, dtype=np.float64), WINDOW)[::HOP] * hann
    magnitudes = np.abs(np.fft.rfft(frames, TRANSFORM, axis=1))
    log_mel = np.log(magnitudes @ filters(RATE, TRANSFORM, BANDS, 125.0, 7500.0).T + FLOOR)
    count = len(log_mel) // FRAMES
    return np.asarray(log_mel[: count * FRAMES].reshape(count, FRAMES, BANDS))
