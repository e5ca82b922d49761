"""S3FD: faces of all sizes in one look at a picture (Zhang et al., arXiv 1708.05237).

VGG-16 with its fully connected layers turned into convolutions and two stages more; six of its maps each propose one square per
cell. Layers and parameter names are those of ``sfd_face.pth`` of github.com/joonson/syncnet_python.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

GAIN = 2.0**0.5  # of ``avbench.rule``, under which its signals neither die out nor explode
MEANS = (104.0, 117.0, 123.0)  # blue, green, red
BACKGROUNDS = 3  # guesses at "no face" on the finest map, of which the boldest counts


class Proposals(NamedTuple):
    """``offsets`` (B, P, 4) from the priors and ``faces`` (B, P), the probability of a face in each, on maps of sizes ``maps``."""

    offsets: Tensor
    faces: Tensor
    maps: list[tuple[int, int]]


class S3FD(nn.Module):
    """The whole network.

    Args:
        narrow: every hidden layer has this many times fewer channels than the official network.
    """

    def __init__(self, narrow: int = 1) -> None:
        super().__init__()
        widths = [width // narrow for width in (256, 512, 512, 1024, 512, 256)]
        self.vgg = _backbone(narrow)
        self.L2Norm3_3, self.L2Norm4_3, self.L2Norm5_3 = _Scaled(widths[0], 10), _Scaled(widths[1], 8), _Scaled(widths[2], 5)
        self.extras = nn.ModuleList(
            [
                nn.Conv2d(widths[3], 256 // narrow, 1),
                nn.Conv2d(256 // narrow, widths[4], 3, 2, 1),
                nn.Conv2d(widths[4], 128 // narrow, 1),
                nn.Conv2d(128 // narrow, widths[5], 3, 2, 1),
            ]
        )
        classes = [BACKGROUNDS + 1, 2, 2, 2, 2, 2]
        self.loc = nn.ModuleList(nn.Conv2d(width, 4, 3, padding=1) for width in widths)
        self.conf = nn.ModuleList(nn.Conv2d(width, count, 3, padding=1) for width, count in zip(widths, classes, strict=True))

    def forward(self, pictures: Tensor) -> Proposals:
        """Pictures, float32 (B, RGB, height, width) less the means of ``MEANS``, at least 32 on each side, to proposals.

        The order of the P priors is map by map from fine to coarse, row by row.
        """
        offsets, faces, maps = [], [], []
        for index, found in enumerate(self._maps(pictures)):
            answers = self.conf[index](found)
            nothing = answers[:, :-1].amax(dim=1)
            faces.append(torch.sigmoid(answers[:, -1] - nothing).flatten(1))
            offsets.append(self.loc[index](found).permute(0, 2, 3, 1).flatten(1, 2))
            maps.append((found.shape[2], found.shape[3]))
        return Proposals(torch.cat(offsets, dim=1), torch.cat(faces, dim=1), maps)

    def _maps(self, pictures: Tensor) -> list[Tensor]:
        """The six maps that faces are read from, at a 4th, 8th, 16th, 32nd, 64th and 128th of the picture's size."""
        maps, signal = [], pictures
        taps = {15: self.L2Norm3_3, 22: self.L2Norm4_3, 29: self.L2Norm5_3}
        for index, layer in enumerate(self.vgg):
            signal = layer(signal)
            if index in taps:
                maps.append(taps[index](signal))
        maps.append(signal)
        for index, layer in enumerate(self.extras):
            signal = torch.relu(layer(signal))
            if index % 2:
                maps.append(signal)
        return maps


class _Scaled(nn.Module):
    """Every cell's channels to length 1, then times a learned weight per channel."""

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(scale)))

    def forward(self, signal: Tensor) -> Tensor:
        length = signal.square().sum(dim=1, keepdim=True).sqrt() + 1e-10
        return cast(Tensor, signal / length * self.weight[:, None, None])


def _backbone(narrow: int) -> nn.ModuleList:
    """Five blocks of 3x3 convolutions with a pool behind each (the third rounds up), then a dilated and a 1x1 convolution."""
    blocks = [(3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512), (512, 512, 512, 512)]
    layers: list[nn.Module] = []
    for number, block in enumerate(blocks):
        channels = [width if width == 3 else width // narrow for width in block]
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
        layers.append(nn.MaxPool2d(2, 2, ceil_mode=number == 2))
    deep = 1024 // narrow
    layers += [nn.Conv2d(512 // narrow, deep, 3, padding=6, dilation=6), nn.ReLU(), nn.Conv2d(deep, deep, 1), nn.ReLU()]
    return nn.ModuleList(layers)


def build() -> S3FD:
    """The official network (22,459,110 parameters), randomly initialised, in eval mode."""
    return cast(S3FD, S3FD().eval())


def tiny() -> S3FD:
    """The same network with a sixteenth of the channels: a stand-in that has learned nothing, in eval mode."""
    return cast(S3FD, S3FD(narrow=16).eval())
