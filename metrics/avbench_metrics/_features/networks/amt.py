"""AMT-S: the frame in the middle of two, from all-pairs correlation and several flow fields.

Source: Li et al., arXiv 2304.09790; names of amt-s.pth (its entry ``state_dict``), with which VBench judges motion smoothness.
That file and the authors' code are licensed CC BY-NC 4.0; the code here is not theirs.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from avbench.errors import Unscorable
from avbench.feature import Array

WIDTHS = (20, 32, 44, 56)  # of the features at 1/2, 1/4, 1/8 and 1/16 of the size
SIDE = 20  # channels of a residual block that are worked on twice
FIELDS = 3  # pairs of flow fields whose warped pictures are combined
LEVELS, RADIUS = 4, 3  # of the correlation
MULTIPLE = 16
SMALLEST = 128  # pixels; below it the coarsest correlations are one pixel wide, where the authors' code divides by zero


def _active(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.PReLU(outputs))


def _resized(x: Tensor, factor: float) -> Tensor:
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def warped(x: Tensor, flow: Tensor) -> Tensor:
    """(B, C, H, W) read at each pixel's place plus ``flow`` (B, 2, H, W; right, down), bilinear; edges go on outside."""
    height, width = flow.shape[-2:]
    right, down = torch.linspace(-1, 1, width).to(flow), torch.linspace(-1, 1, height).to(flow)
    places = (right + flow[:, 0] / ((width - 1) / 2), down[:, None] + flow[:, 1] / ((height - 1) / 2))
    return functional.grid_sample(x, torch.stack(places, dim=-1), padding_mode="border", align_corners=True)


class Correlation:
    """Products of all pairs of places of two feature maps (B, C, H, W), at 4 resolutions, in both directions."""

    def __init__(self, first: Tensor, second: Tensor) -> None:
        channels, height, width = first.shape[1:]
        products = first.flatten(2).transpose(1, 2) @ second.flatten(2) / channels**0.5
        self.pyramids = []
        for volume in (products, products.transpose(1, 2)):
            levels = [volume.reshape(-1, 1, height, width)]
            for _ in range(LEVELS - 1):
                levels.append(functional.avg_pool2d(levels[-1], 2))
            self.pyramids.append(levels)
        down, right = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        self.places = torch.stack([right, down]).to(first)

    def look_up(self, to_second: Tensor, to_first: Tensor) -> Tensor:
        """Products within 3 places of where two flows (B, 2, H, W) lead, (B, 2 * 4 * 49, H, W), at each resolution its own."""
        parts = []
        offset = torch.arange(-RADIUS, RADIUS + 1).to(to_second)
        for levels, flow in zip(self.pyramids, (to_second, to_first), strict=True):
            right, down = (self.places + flow).flatten(2).transpose(0, 1).reshape(2, -1, 1, 1)
            for level, volume in enumerate(levels):
                x = 2 * (right / 2**level + offset[:, None]) / (volume.shape[-1] - 1) - 1  # offsets to the right count outside
                y = 2 * (down / 2**level + offset) / (volume.shape[-2] - 1) - 1
                grid = torch.stack(torch.broadcast_tensors(x, y), dim=-1)
                found = functional.grid_sample(volume, grid, align_corners=True)
                parts.append(found.reshape(len(flow), *flow.shape[-2:], -1))
        return torch.cat(parts, dim=-1).permute(0, 3, 1, 2)


class Bottleneck(nn.Module):
    """Residual block of the correlation's encoder, with instance normalisation."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        narrow = outputs // 4
        self.conv1 = nn.Conv2d(inputs, narrow, 1)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, stride, 1)
        self.conv3 = nn.Conv2d(narrow, outputs, 1)
        self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride)) if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        y = x
        for conv in (self.conv1, self.conv2, self.conv3):
            y = functional.relu(functional.instance_norm(conv(y)))
        return functional.relu(y + (x if self.downsample is None else functional.instance_norm(self.downsample(x))))


class CorrelationEncoder(nn.Module):
    """Pictures (B, 3, H, W) to the maps that are correlated, (B, 84, H / 8, W / 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 7, 2, 3)
        self.layer1 = nn.Sequential(Bottleneck(32, 32, 1), Bottleneck(32, 32, 1))
        self.layer2 = nn.Sequential(Bottleneck(32, 64, 2), Bottleneck(64, 64, 1))
        self.layer3 = nn.Sequential(Bottleneck(64, 96, 2), Bottleneck(96, 96, 1))
        self.conv2 = nn.Conv2d(96, 84, 1)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        x = functional.relu(functional.instance_norm(self.conv1(x)))
        return self.conv2(self.layer3(self.layer2(self.layer1(x))))


class Encoder(nn.Module):
    """Pictures (B, 3, H, W) to features at 1/2, 1/4, 1/8 and 1/16 of the size."""

    def __init__(self) -> None:
        super().__init__()
        inputs = 3
        for level, width in enumerate(WIDTHS, start=1):
            setattr(self, f"pyramid{level}", nn.Sequential(_active(inputs, width, 2), _active(width, width)))
            inputs = width

    def forward(self, x: Tensor) -> list[Tensor]:
        """See the class."""
        outputs = []
        for level in range(1, len(WIDTHS) + 1):
            x = getattr(self, f"pyramid{level}")(x)
            outputs.append(x)
        return outputs


class SideBlock(nn.Module):
    """Residual block whose last 20 channels get a convolution more after the first and the second."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _active(width, width), _active(SIDE, SIDE)
        self.conv3, self.conv4 = _active(width, width), _active(SIDE, SIDE)
        self.conv5, self.prelu = nn.Conv2d(width, width, 3, 1, 1), nn.PReLU(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) to the same."""
        y = x
        for wide, side in ((self.conv1, self.conv2), (self.conv3, self.conv4)):
            y = wide(y)
            y = torch.cat([y[:, :-SIDE], side(y[:, -SIDE:])], dim=1)
        return self.prelu(x + self.conv5(y))


class Decoder(nn.Module):
    """(B, inputs, H, W) to (B, outputs, 2 H, 2 W)."""

    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.convblock = nn.Sequential(_active(inputs, width), SideBlock(width), nn.ConvTranspose2d(width, outputs, 4, 2, 1))

    def forward(self, *parts: Tensor) -> Tensor:
        """The parts are joined along their channels."""
        return self.convblock(torch.cat(parts, dim=1))


class Update(nn.Module):
    """Corrects features and flows of a level by the correlation at 1/8 of the picture, ``factor`` times coarser than the level."""

    def __init__(self, channels: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.convc1 = nn.Conv2d(2 * LEVELS * (2 * RADIUS + 1) ** 2, 64, 1)
        self.convf1, self.convf2 = nn.Conv2d(4, 40, 7, padding=3), nn.Conv2d(40, 20, 3, padding=1)
        self.conv = nn.Conv2d(64 + 20, 68, 3, padding=1)
        self.gru = self._pair(68 + 4 + channels, 76)
        self.feat_head, self.flow_head = self._pair(76, channels), self._pair(76, 4)

    @staticmethod
    def _pair(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(inputs, 76, 3, padding=1), nn.LeakyReLU(0.1), nn.Conv2d(76, outputs, 3, padding=1))

    def forward(self, features: Tensor, flows: Tensor, correlation: Correlation) -> tuple[Tensor, Tensor]:
        """Features (B, channels, H, W) and both flows (B, 4, H, W; to the first, to the second picture), corrected."""
        small = flows if self.factor == 1 else _resized(flows, 1 / self.factor) / self.factor
        # A flow from the middle is half of the way between the pictures.
        found = correlation.look_up(2 * small[:, 2:], 2 * small[:, :2])
        seen = functional.leaky_relu(self.convc1(found), 0.1)
        moved = functional.leaky_relu(self.convf2(functional.leaky_relu(self.convf1(small), 0.1)), 0.1)
        both = functional.leaky_relu(self.conv(torch.cat([seen, moved], dim=1)), 0.1)
        coarse = features if self.factor == 1 else _resized(features, 1 / self.factor)
        state = self.gru(torch.cat([both, small, coarse], dim=1))
        more, shift = self.feat_head(state), self.flow_head(state)
        if self.factor > 1:
            more, shift = _resized(more, self.factor), self.factor * _resized(shift, self.factor)
        return features + more, flows + shift


class Amt(nn.Module):
    """The network; it has one size."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth = WIDTHS
        self.feat_encoder, self.encoder = CorrelationEncoder(), Encoder()
        self.decoder4 = Decoder(2 * sixteenth + 1, 2 * sixteenth, 4 + eighth)
        self.decoder3 = Decoder(3 * eighth + 4, 3 * eighth, 4 + quarter)
        self.decoder2 = Decoder(3 * quarter + 4, 3 * quarter, 4 + half)
        self.decoder1 = Decoder(3 * half + 4, 3 * half, 8 * FIELDS)
        self.update4, self.update3, self.update2 = Update(eighth, 1), Update(quarter, 2), Update(half, 4)
        pictures = 3 * FIELDS
        self.comb_block = nn.Sequential(
            nn.Conv2d(pictures, 2 * pictures, 3, padding=1), nn.PReLU(2 * pictures), nn.Conv2d(2 * pictures, 3, 3, padding=1)
        )

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The picture in the middle, (B, 3, H, W) in 0 ... 1.

        Args:
            first: RGB (B, 3, H, W) in 0 ... 1, sides multiples of 16.
            second: the later pictures.

        Raises:
            Unscorable: sides under 128.
        """
        if min(first.shape[-2:]) < SMALLEST:
            raise Unscorable(f"A picture of {first.shape[-1]}x{first.shape[-2]} is too small for AMT.", "too_small")
        mean = torch.cat([first, second], dim=2).mean(dim=(1, 2, 3), keepdim=True)
        first, second = first - mean, second - mean
        fields = self.fields(first, second)
        backward, forward, mask, residue = fields.split([2 * FIELDS, 2 * FIELDS, FIELDS, 3 * FIELDS], dim=1)
        pictures = []
        for field in range(FIELDS):
            pair = slice(2 * field, 2 * field + 2)
            share = mask[:, field : field + 1].sigmoid()
            blend = share * warped(first, backward[:, pair]) + (1 - share) * warped(second, forward[:, pair])
            pictures.append(blend + mean + residue[:, 3 * field : 3 * field + 3])
        return (torch.stack(pictures).mean(dim=0) + self.comb_block(torch.cat(pictures, dim=1))).clamp(0, 1)

    def fields(self, first: Tensor, second: Tensor) -> Tensor:
        """What the picture is made of, (B, 24, H, W), from pictures without their common mean: three flows to the first, three
        to the second picture (right and down each), three masks before the sigmoid, three residues of three colours."""
        batch = len(first)
        maps = self.feat_encoder(torch.cat([first, second]))
        correlation = Correlation(maps[:batch], maps[batch:])
        start, end = self.encoder(first), self.encoder(second)
        middle = torch.full_like(start[-1][:, :1], 0.5)
        output = self.decoder4(start[-1], end[-1], middle)
        features, flows = self.update4(output[:, 4:], output[:, :4], correlation)
        for level, decoder, update in ((2, self.decoder3, self.update3), (1, self.decoder2, self.update2)):
            output = decoder(features, *_brought(start[level], end[level], flows))
            features, flows = update(output[:, 4:], output[:, :4] + 2 * _resized(flows, 2), correlation)
        output = self.decoder1(features, *_brought(start[0], end[0], flows))
        coarse = 2 * _resized(flows, 2)
        shift = torch.cat([coarse[:, :2].repeat(1, FIELDS, 1, 1), coarse[:, 2:].repeat(1, FIELDS, 1, 1)], dim=1)
        return torch.cat([output[:, : 4 * FIELDS] + shift, output[:, 4 * FIELDS :]], dim=1)


def _brought(start: Tensor, end: Tensor, flows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Features of both pictures brought to the middle, and the flows that did it."""
    return warped(start, flows[:, :2]), warped(end, flows[:, 2:]), flows


def middle_frame(network: nn.Module, before: Array, after: Array) -> Array:
    """The frame between two uint8 RGB frames (H, W, 3), uint8 (H, W, 3).

    Edges are repeated up to multiples of 16; values are cut off, not rounded, to whole numbers, as VBench does.
    """
    height, width = before.shape[:2]
    top, left = -height % MULTIPLE // 2, -width % MULTIPLE // 2
    padding = (left, -width % MULTIPLE - left, top, -height % MULTIPLE - top)
    pictures = [
        functional.pad(torch.from_numpy(frame.copy()).permute(2, 0, 1)[None] / 255.0, padding, mode="replicate")
        for frame in (before, after)
    ]
    with torch.no_grad():
        picture = network(*pictures)[0, :, top : top + height, left : left + width]
    values = (picture * 255.0).permute(1, 2, 0).cpu().numpy()
    return np.asarray(values.clip(0, 255).astype(np.uint8))


def build() -> Amt:
    """The official size: 213 tensors, 2,990,543 parameters."""
    network = Amt()
    network.eval()
    return network


def tiny() -> Amt:
    """As ``build``: the network is small as it is."""
    return build()
