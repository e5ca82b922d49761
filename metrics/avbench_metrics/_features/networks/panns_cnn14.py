"""PANNs Cnn14 (Kong et al., arXiv 1912.10211): an AudioSet tagger, 2048 features and 527 logits for a sound of any length.

Names of parameters are those of qiuqiangkong/audioset_tagging_cnn: ``Cnn14_16k_mAP=0.438.pth`` (16 kHz, av-benchmark) and
``Cnn14_mAP=0.431.pth`` (32 kHz, MOVA's Inception score). The matrices of the front end are part of the state dict.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from avbench.feature import Array
from avbench_metrics._maths.slaney_mel import slaney_filters

CLASSES = 527
SHORTEST_FRAMES = 32  # five poolings halve the frames
FRONT_END = ("spectrogram_extractor", "logmel_extractor")  # names of the matrices that are computed, not learned

_WIDTHS = (64, 128, 256, 512, 1024, 2048)


class Layout(NamedTuple):
    """Sizes of a front end: samples per second, samples of window and hop, upper edge in Hz of the mel filters."""

    rate: int
    window: int
    hop: int
    high: float

    @property
    def shortest(self) -> int:
        """The fewest samples that the network takes: 0.31 s."""
        return (SHORTEST_FRAMES - 1) * self.hop


LAYOUTS = {16_000: Layout(16_000, 512, 160, 8000.0), 32_000: Layout(32_000, 1024, 320, 14_000.0)}
BANDS, LOW, FLOOR = 64, 50.0, 1e-10


class Answer(NamedTuple):
    """What the network says of N sounds: features (N, 2048) after ReLU, logits (N, 527) before the sigmoid."""

    features: torch.Tensor
    logits: torch.Tensor

    @property
    def probabilities(self) -> torch.Tensor:
        """(N, 527): one independent probability per class."""
        return torch.sigmoid(self.logits)


def windowed_fourier(window: int) -> tuple[Array, Array]:
    """Real and imaginary part of the Fourier matrix under a periodic Hann window, each float32 (window // 2 + 1, window)."""
    index = np.arange(window)
    # The product is reduced first: the sine of a large angle loses digits.
    angle = -2.0 * np.pi * (np.outer(index[: window // 2 + 1], index) % window) / window
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * index / window)
    return (np.cos(angle) * hann).astype(np.float32), (np.sin(angle) * hann).astype(np.float32)


class _Fourier(nn.Module):
    """Short-time Fourier transform as two convolutions; sound is reflected at both ends."""

    def __init__(self, window: int, hop: int) -> None:
        super().__init__()
        self.pad = window // 2
        self.conv_real = nn.Conv1d(1, window // 2 + 1, window, stride=hop, bias=False)
        self.conv_imag = nn.Conv1d(1, window // 2 + 1, window, stride=hop, bias=False)
        for convolution, matrix in zip((self.conv_real, self.conv_imag), windowed_fourier(window), strict=True):
            convolution.weight = nn.Parameter(torch.from_numpy(matrix)[:, None], requires_grad=False)

    def power(self, sound: torch.Tensor) -> torch.Tensor:
        """(N, samples) to (N, frames, window // 2 + 1)."""
        padded = functional.pad(sound[:, None], (self.pad, self.pad), mode="reflect")
        return (self.conv_real(padded).square() + self.conv_imag(padded).square()).transpose(1, 2)


class _Holder(nn.Module):
    """Gives its member the name that the checkpoint has for it."""

    def __init__(self, **members: Any) -> None:
        super().__init__()
        for name, member in members.items():
            setattr(self, name, member)


class _Block(nn.Module):
    """Two 3x3 convolutions with batch normalisation and ReLU, then mean pooling."""

    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor, pool: int) -> torch.Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.avg_pool2d(functional.relu(self.bn2(self.conv2(x))), pool)


class Cnn14(nn.Module):
    """The network.

    Args:
        layout: sizes of the front end.
        divisor: the convolutions' widths are divided by it; 1 is the official network.
    """

    def __init__(self, layout: Layout, divisor: int = 1) -> None:
        super().__init__()
        self.layout = layout
        mel = slaney_filters(layout.rate, layout.window, BANDS, LOW, layout.high).T.astype(np.float32)
        self.spectrogram_extractor = _Holder(stft=_Fourier(layout.window, layout.hop))
        self.logmel_extractor = _Holder(melW=nn.Parameter(torch.from_numpy(mel.copy()), requires_grad=False))
        self.bn0 = nn.BatchNorm2d(BANDS)
        width = 1
        for number, wanted in enumerate(_WIDTHS, start=1):
            self.add_module(f"conv_block{number}", _Block(width, wanted // divisor))
            width = wanted // divisor
        self.fc1 = nn.Linear(width, 2048)
        self.fc_audioset = nn.Linear(2048, CLASSES)

    def log_mel(self, sound: torch.Tensor) -> torch.Tensor:
        """Mel power in dB re 1, at least -100.

        Args:
            sound: (N, samples) in [-1, 1] at the layout's rate.

        Returns:
            (N, 1, 1 + samples // hop, 64).

        Raises:
            ValueError: another shape, or fewer samples than ``layout.shortest``.
        """
        if sound.ndim != 2:
            raise ValueError(f"Cnn14 takes (N, samples), not {tuple(sound.shape)}.")
        if sound.shape[1] < self.layout.shortest:
            raise ValueError(f"Cnn14 needs {self.layout.shortest} samples at {self.layout.rate} Hz, not {sound.shape[1]}.")
        mel = self.spectrogram_extractor.stft.power(sound) @ self.logmel_extractor.melW
        return 10.0 * torch.log10(mel.clamp(min=FLOOR))[:, None]

    def forward(self, sound: torch.Tensor) -> Answer:
        """(N, samples) at the layout's rate to features and logits; errors as in ``log_mel``."""
        x = self.bn0(self.log_mel(sound).transpose(1, 3)).transpose(1, 3)
        for number in range(1, len(_WIDTHS) + 1):
            x = self.get_submodule(f"conv_block{number}")(x, pool=2 if number < len(_WIDTHS) else 1)
        x = x.mean(dim=3)
        features = functional.relu(self.fc1(x.amax(dim=2) + x.mean(dim=2)))
        return Answer(features, self.fc_audioset(features))


def build(rate: int = 16_000) -> nn.Module:
    """The official network for 16 kHz or 32 kHz, randomly initialised but for the front end, in eval mode.

    Raises:
        ValueError: another rate.
    """
    if rate not in LAYOUTS:
        raise ValueError(f"Cnn14 exists for {sorted(LAYOUTS)} Hz, not for {rate}.")
    return Cnn14(LAYOUTS[rate]).eval()


def tiny(rate: int = 16_000) -> nn.Module:
    """The same network with 1/32 of its channels, 2048 features and 527 logits: a stand-in that knows nothing."""
    return Cnn14(LAYOUTS[rate], divisor=32).eval()
