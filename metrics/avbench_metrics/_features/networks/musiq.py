"""MUSIQ: image quality from patches of three sizes of one picture, aspect ratio kept.

Source: Ke et al., arXiv 2108.05997, and github.com/google-research/google-research/tree/master/musiq. Names, layout of the patches
and resampling are those of the PyTorch checkpoints musiq_koniq_ckpt-e95806b9.pth (Verse-Bench), musiq_spaq_ckpt-358bb6af.pth
(VBench) and musiq_ava_ckpt-e8d3f067.pth, whose figures the tests repeat.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from avbench.errors import Unscorable
from avbench.feature import Array

PATCH = 32  # pixels, and step
GRID = 10  # positions are hashed to a grid of 10 x 10
LONGER_SIDES = (224, 384)  # of the two smaller pictures; the third is the picture itself
PIXELS = 3 * PATCH * PATCH


def pictures_of(frames: Array, longest: int | None = None) -> Tensor:
    """uint8 RGB frames (T, H, W, 3) to pictures (T, 3, H, W) in 0 ... 1.

    Args:
        longest: None keeps the size, as Verse-Bench does; VBench's 512 reduces pictures whose longer side is above it (bilinear
            without anti-aliasing, sides rounded down).
    """
    pictures = torch.from_numpy(frames.copy()).permute(0, 3, 1, 2).float()
    height, width = pictures.shape[-2:]
    if longest is not None and max(height, width) > longest:
        scale = longest / max(height, width)
        size = (int(scale * height), int(scale * width))
        pictures = functional.interpolate(pictures, size, mode="bilinear", align_corners=False)
    return pictures / 255.0


def patch_sequence(pictures: Tensor) -> Tensor:
    """Patches of all scales with their places: (B, 3, H, W) in 0 ... 1 to (B, tokens, 3075).

    Columns: 3072 pixels in -1 ... 1, channel by channel; position in the grid (row * 10 + column); scale 0, 1 or 2 (the
    original); 1 for a patch and 0 for filling. The resized pictures are filled up to 7 x 7 and 12 x 12 tokens, the original
    is not. Pictures are enlarged to 224 and 384 too, where they are smaller. Raises ``Unscorable`` where the shorter side
    rounds to no pixel.
    """
    scaled = (pictures - 0.5) * 2.0
    height, width = scaled.shape[-2:]
    parts = []
    for scale, side in enumerate(LONGER_SIDES):
        ratio = side / max(height, width)
        size = (round(height * ratio), round(width * ratio))
        if not min(size):
            raise Unscorable(f"A picture of {width}x{height} is too narrow for patches.", "too_small")
        resized = functional.interpolate(scaled, size, mode="bicubic", align_corners=False)
        tokens = _tokens(resized, scale)
        parts.append(functional.pad(tokens, (0, 0, 0, math.ceil(side / PATCH) ** 2 - tokens.shape[1])))
    parts.append(_tokens(scaled, len(LONGER_SIDES)))
    return torch.cat(parts, dim=1)


def _tokens(pictures: Tensor, scale: int) -> Tensor:
    patches = functional.unfold(_same(pictures, PATCH, PATCH), PATCH, stride=PATCH).transpose(1, 2)
    rows, columns = (math.ceil(side / PATCH) for side in pictures.shape[-2:])
    place = _hashed(rows)[:, None] * GRID + _hashed(columns)
    extra = torch.stack([place.flatten(), torch.full((rows * columns,), float(scale)), torch.ones(rows * columns)], dim=-1)
    return torch.cat([patches, extra.to(patches).expand(len(patches), -1, -1)], dim=-1)


def _hashed(count: int) -> Tensor:
    return functional.interpolate(torch.arange(GRID, dtype=torch.float32)[None, None], count, mode="nearest")[0, 0]


def _same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Zeros around (B, C, H, W) as TensorFlow's SAME: the odd one goes to the right and below."""
    padding: list[int] = []
    for side in (x.shape[-1], x.shape[-2]):
        missing = max(0, (math.ceil(side / stride) - 1) * stride + kernel - side)
        padding += [missing // 2, missing - missing // 2]
    return functional.pad(x, padding)


class StandardizedConv(nn.Conv2d):
    """A convolution without bias whose kernels are brought to mean 0 and deviation 1, padded as TensorFlow's SAME."""

    def __init__(self, channels: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(channels, outputs, kernel, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, outputs, H / stride, W / stride), rounded up."""
        centred = self.weight - self.weight.mean(dim=(1, 2, 3), keepdim=True)
        kernels = centred / (centred.std(dim=(1, 2, 3), keepdim=True) + 1e-5)
        return functional.conv2d(_same(x, self.kernel_size[0], self.stride[0]), kernels, stride=self.stride)


class Bottleneck(nn.Module):
    """ResNet's first block with group normalisation: 64 channels to 256 at the official size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        wide = 4 * channels
        self.conv1, self.gn1 = StandardizedConv(channels, channels, 1), nn.GroupNorm(32, channels, eps=1e-4)
        self.conv2, self.gn2 = StandardizedConv(channels, channels, 3), nn.GroupNorm(32, channels, eps=1e-4)
        self.conv3, self.gn3 = StandardizedConv(channels, wide, 1), nn.GroupNorm(32, wide, eps=1e-4)
        self.conv_proj, self.gn_proj = StandardizedConv(channels, wide, 1), nn.GroupNorm(32, wide, eps=1e-4)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, 4 * channels, H, W)."""
        y = functional.relu(self.gn1(self.conv1(x)))
        y = functional.relu(self.gn2(self.conv2(y)))
        return functional.relu(self.gn3(self.conv3(y)) + self.gn_proj(self.conv_proj(x)))


class Attention(nn.Module):
    """Self-attention in heads of 64 (6 at the official width); filling is never looked at."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, tokens, width) and a mask (B, tokens), true where a token is real, to (B, tokens, width)."""
        query, key, value = (part(x).unflatten(-1, (-1, 64)).transpose(1, 2) for part in (self.query, self.key, self.value))
        y = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        return self.out(y.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Two layers with an exact GELU between."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) to (..., width)."""
        return self.fc2(functional.gelu(self.fc1(x)))


class EncoderBlock(nn.Module):
    """A transformer's block, normalised first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width, eps=1e-6), Attention(width)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), Mlp(width, 3 * width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """As ``Attention``."""
        x = x + self.attention(self.norm1(x), mask)
        return x + self.mlp(self.norm2(x))


class Encoder(nn.Module):
    """Adds places and scales to the tokens, and a class token; 14 blocks at the official size."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.posembed_input = nn.ParameterDict({"position_emb": nn.Parameter(torch.zeros(1, GRID * GRID, width))})
        self.scaleembed_input = nn.ParameterDict({"scale_emb": nn.Parameter(torch.zeros(len(LONGER_SIDES) + 1, width))})
        self.encoder_norm = nn.LayerNorm(width, eps=1e-6)
        self.transformer = nn.ModuleDict({f"encoderblock_{index}": EncoderBlock(width) for index in range(depth)})

    def forward(self, x: Tensor, places: Tensor, scales: Tensor, mask: Tensor) -> Tensor:
        """(B, tokens, width), indices (B, tokens) and mask (B, tokens) to (B, 1 + tokens, width), class token first."""
        x = x + self.posembed_input["position_emb"][0][places] + self.scaleembed_input["scale_emb"][scales]
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1)
        mask = functional.pad(mask, (1, 0), value=True)
        for block in self.transformer.values():
            x = block(x, mask)
        return self.encoder_norm(x)


class Musiq(nn.Module):
    """The network.

    Args:
        outputs: 1 for a score (KonIQ-10k and SPAQ, 0 ... 100), 10 for the shares of the marks 1 ... 10 (AVA).
        width: of a token, a multiple of 64.
        depth: transformer blocks.
        channels: of the patches' first convolution, a multiple of 32.
    """

    def __init__(self, outputs: int = 1, width: int = 384, depth: int = 14, channels: int = 64) -> None:
        super().__init__()
        self.conv_root = StandardizedConv(3, channels, 7, stride=2)
        self.gn_root = nn.GroupNorm(32, channels, eps=1e-6)
        self.block1 = Bottleneck(channels)
        self.embedding = nn.Linear(4 * channels * (PATCH // 4) ** 2, width)
        self.transformer_encoder = Encoder(width, depth)
        head = nn.Linear(width, outputs)
        self.head = head if outputs == 1 else nn.Sequential(head, nn.Softmax(dim=-1))

    def encode(self, sequence: Tensor) -> Tensor:
        """The class token (B, width) of a ``patch_sequence``."""
        pixels, extra = sequence[..., :PIXELS], sequence[..., PIXELS:]
        places, scales, mask = extra[..., 0].long(), extra[..., 1].long(), extra[..., 2].bool()
        x = functional.relu(self.gn_root(self.conv_root(pixels.reshape(-1, 3, PATCH, PATCH))))
        x = self.block1(functional.max_pool2d(_same(x, 3, 2), 3, stride=2))
        tokens = x.permute(0, 2, 3, 1).reshape(*pixels.shape[:2], -1)  # the checkpoint's layer counts channels last
        return self.transformer_encoder(self.embedding(tokens), places, scales, mask)[:, 0]

    def forward(self, pictures: Tensor) -> Tensor:
        """RGB pictures (B, 3, H, W) in 0 ... 1 to (B, outputs)."""
        return self.head(self.encode(patch_sequence(pictures)))


def mean_mark(shares: Tensor) -> Tensor:
    """The AVA network's (B, 10) shares to the mean mark (B,), 1 ... 10."""
    return shares @ torch.arange(1, shares.shape[-1] + 1).to(shares)


def build(outputs: int = 1) -> Musiq:
    """The official size: 248 tensors, 27,125,825 parameters; ``outputs=10`` has AVA's names (``head.0``)."""
    network = Musiq(outputs)
    network.eval()
    return network


def tiny(outputs: int = 1) -> Musiq:
    """The same class with one block of 64 and half of the channels; same input and output."""
    network = Musiq(outputs, width=64, depth=1, channels=32)
    network.eval()
    return network
