"""AudioCLIP's audio head: a ResNeXt with attention over a learned spectrogram (ESResNeXt-fbsp).

Sources: Guzhov et al., arXiv 2104.11587 (network, fbsp transform) and arXiv 2106.13043 (AudioCLIP); names and constants of
github.com/AndreyGuzhov/AudioCLIP. JavisBench takes its FAD from the 1024 outputs, unnormalised.
"""

from __future__ import annotations

import math

import scipy.signal
import torch
from torch import Tensor, nn
from torch.nn import functional

RATE = 44_100  # what the sizes below were chosen for; JavisBench feeds 16 kHz all the same
WINDOW, HOP, TRANSFORM = 1654, 561, 2048  # samples
BANDS = 3  # thirds of the spectrum, in place of a picture's colours
FLOOR = 1e-18  # power in place of zero
TINY = 1e-8


class ComplexFilters(nn.Module):
    """The transform: 1025 complex frequency B-spline wavelets of 2048 samples, of order ``m``, width ``fb`` and centre ``fc``.

    Untrained (m = 0, fb = 1, fc = 0 ... 1024) it is the discrete Fourier transform but for the spacing of its samples.
    """

    def __init__(self) -> None:
        super().__init__()
        count = TRANSFORM // 2 + 1
        self.m = nn.Parameter(torch.zeros(count))
        self.fb = nn.Parameter(torch.ones(count))
        self.fc = nn.Parameter(torch.arange(count, dtype=torch.get_default_dtype()))
        self.bias = nn.Parameter(torch.empty(0))  # the checkpoint names it, and it is empty

    def weights(self) -> Tensor:
        """(1025, 2048, 2), real and imaginary part: sqrt(fb) sinc(fb t / m)^m exp(-i fc t) / sqrt(2048), t in [-pi, pi]."""
        order, width, centre = (parameter[:, None] for parameter in (self.m, self.fb, self.fc))
        # The products stay in the parameters' precision and order: fc t reaches 3217, where float32 is good to 1e-4.
        time = math.pi * torch.linspace(-1.0, 1.0, TRANSFORM, dtype=self.fc.dtype, device=self.fc.device) + TINY
        ratio = width * time / (order + TINY)
        spline = torch.where(ratio == 0, 1.0, ratio.sin() / ratio)
        size = (spline * spline) ** (order / 2)
        turn = order * math.pi * (spline < 0).to(order.dtype)  # a negative number's power is complex
        real, imaginary = size * turn.cos(), size * turn.sin()
        cosine, sine = (centre * time).cos(), -(centre * time).sin()
        product = torch.stack((real * cosine - imaginary * sine, real * sine + imaginary * cosine), dim=-1)
        return width.sqrt()[..., None] * product / math.sqrt(TRANSFORM)

    def forward(self, frames: Tensor) -> Tensor:
        """(..., 2048) samples to (..., 1025, 2)."""
        weights = self.weights()
        return torch.stack([functional.linear(frames, weights[..., part]) for part in (0, 1)], dim=-1)


class Attention(nn.Module):
    """Weights in (0, 1) for a stage's output, from its input: depthwise and pointwise convolution after max pooling."""

    def __init__(self, channels: int, outputs: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.conv_depth = nn.Conv2d(channels, channels, kernel, padding=padding, groups=channels)
        self.conv_point = nn.Conv2d(channels, outputs, 1)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, size: torch.Size) -> Tensor:
        """(B, channels, ...) to (B, outputs, *size)."""
        pooled = functional.adaptive_max_pool2d(x, size)
        return torch.sigmoid(self.bn(self.conv_point(self.conv_depth(pooled))))


class Bottleneck(nn.Module):
    """ResNeXt's block: 1x1, grouped 3x3 (strided), 1x1, and a shortcut."""

    def __init__(self, channels: int, outputs: int, groups: int, stride: int) -> None:
        super().__init__()
        width = outputs // 2
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        if channels != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(channels, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
        else:
            self.downsample = nn.Sequential()

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, outputs, H / stride, W / stride)."""
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        return functional.relu(self.bn3(self.conv3(y)) + self.downsample(x))


class AudioHead(nn.Module):
    """ESResNeXtFBSP.

    Args:
        stem: channels of the first convolution; 64 is the official size.
        depths: blocks of the four stages.
        outputs: size of the embedding.
    """

    def __init__(self, stem: int = 64, depths: tuple[int, ...] = (3, 4, 6, 3), outputs: int = 1024) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(BANDS, stem, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        channels = stem
        for stage, (depth, kernel) in enumerate(zip(depths, ((3, 1), (1, 5), (3, 1), (1, 5)), strict=True), start=1):
            wide = stem * 2 ** (stage + 1)
            blocks = [
                Bottleneck(wide if block else channels, wide, groups=stem // 2, stride=1 if block or stage == 1 else 2)
                for block in range(depth)
            ]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
            setattr(self, f"att{stage}", Attention(channels, wide, kernel))
            channels = wide
        self.att5 = Attention(channels, channels, (3, 5))
        self.fc = nn.Linear(channels, outputs)
        self.fbsp = ComplexFilters()
        window = scipy.signal.get_window("blackmanharris", WINDOW, fftbins=True)
        self.register_buffer("window", torch.from_numpy(window).to(torch.get_default_dtype()))

    def spectrogram_db(self, waves: Tensor) -> Tensor:
        """(B, C, samples) to (B, C, 3, 341, frames) in dB; samples at 16-bit scale (-32768 ... 32767), 44.1 kHz."""
        batch, channels, _ = waves.shape
        dtype = self.window.dtype
        # In this order: beside 32768 a float32 keeps 1/256 at best, which decides what sound in -1 ... 1 becomes.
        scaled = (waves.to(dtype) + 32768.0) * 2.0 / 65535.0 - 1.0
        spectrum = self.fbsp(frames(scaled.flatten(0, 1), self.window)).transpose(1, 2)
        height = spectrum.shape[1] // BANDS
        power = spectrum[:, : BANDS * height].square().sum(dim=-1)
        power = torch.where(power > 0, power, FLOOR)
        return 10.0 * power.log10().reshape(batch, channels, BANDS, height, -1)

    def pooled(self, spectrograms: Tensor) -> Tensor:
        """(B, C, 3, 341, frames) in dB to (B, 2048); channels are summed, not averaged."""
        total = [self._pooled_channel(spectrograms[:, channel]) for channel in range(spectrograms.shape[1])]
        return torch.stack(total, dim=-1).sum(dim=-1)

    def _pooled_channel(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        for stage in range(1, 5):
            y = getattr(self, f"layer{stage}")(x)
            x = y * getattr(self, f"att{stage}")(x, y.shape[-2:])
        mean = functional.adaptive_avg_pool2d(x, 1)
        return (mean * self.att5(x, mean.shape[-2:])).flatten(1)

    def from_spectrogram(self, spectrograms: Tensor) -> Tensor:
        """(B, C, 3, 341, frames) in dB to the embedding (B, 1024), not normalised."""
        return self.fc(self.pooled(spectrograms))

    def forward(self, waves: Tensor) -> Tensor:
        """(B, C, samples) as for ``spectrogram_db`` to the embedding (B, 1024), not normalised."""
        return self.from_spectrogram(self.spectrogram_db(waves))


def frames(signals: Tensor, window: Tensor) -> Tensor:
    """Windowed pieces (B, frames, 2048) of (B, samples): 1654 samples every 561, all samples covered.

    What the last piece lacks is filled with zeros, half of them before the signal; each piece lies in the middle of its 2048.
    """
    count = 1 + max(0, math.ceil((signals.shape[-1] - WINDOW) / HOP))
    missing = (count - 1) * HOP + WINDOW - signals.shape[-1]
    padded = functional.pad(signals, (missing // 2, missing - missing // 2))
    spare = TRANSFORM - WINDOW
    return functional.pad(padded.unfold(-1, WINDOW, HOP) * window, (spare // 2, spare - spare // 2))


def build() -> AudioHead:
    """The official size: 370 tensors, 32,104,771 parameters (AudioCLIP-Full-Training.pt, names under ``audio.``)."""
    network = AudioHead()
    network.eval()
    return network


def tiny() -> AudioHead:
    """The same class with 8 channels in place of 64 and one block per stage; same input and output."""
    network = AudioHead(stem=8, depths=(1, 1, 1, 1))
    network.eval()
    return network
