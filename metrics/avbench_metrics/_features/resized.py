"""Whole clips of pictures made small, and run through a network a few pictures at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from avbench.errors import Unscorable
from avbench.feature import Array

STEP = 16  # pictures at a time: a fixed number, so that results depend on no other clip
Mode = Literal["bilinear", "bicubic"]


def short_side(frames: Array, side: int, mode: Mode) -> Array:
    """Shorter side to ``side`` without anti-aliasing, the longer in proportion (rounded down), as torchvision's ``Resize``.

    Args:
        frames: uint8 (T, H, W, 3).

    Returns:
        uint8 (T, h, w, 3), rounded to whole grey levels.
    """
    height, width = frames.shape[1:3]
    longer = int(side * max(height, width) / min(height, width))
    return _scaled(frames, (side, longer) if height <= width else (longer, side), mode)


def centre_crop(frames: Array, side: int) -> Array:
    """The middle ``side`` x ``side`` pixels of frames (T, H, W, 3), halves rounded to even as torchvision's ``CenterCrop``."""
    top, left = (round((size - side) / 2) for size in frames.shape[1:3])
    return frames[:, top : top + side, left : left + side]


def longest_side(frames: Array, longest: int) -> Array:
    """Pictures whose longer side exceeds ``longest`` reduced to it (sides rounded down), bilinear without anti-aliasing."""
    height, width = frames.shape[1:3]
    if max(height, width) <= longest:
        return frames
    scale = longest / max(height, width)
    size = (int(scale * height), int(scale * width))
    if not min(size):
        raise Unscorable(f"A picture of {width}x{height} is too narrow.", "too_small")
    return _scaled(frames, size, "bilinear")


def squashed(frames: Array, side: int, mode: Mode) -> Array:
    """Frames (T, H, W, 3) to (T, side, side, 3) whatever their shape, anti-aliased, as Pillow does it (uint8)."""
    from PIL import Image

    filters = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    return np.stack([np.asarray(Image.fromarray(frame).resize((side, side), filters[mode])) for frame in frames])


def spread(count: int, wanted: int | None) -> Array:
    """Indices in the middle of ``wanted`` equal parts of ``count`` frames; each frame once where there are fewer, or for None."""
    if wanted is None or wanted >= count:
        return np.arange(count)
    edges = np.linspace(0, count, wanted + 1).astype(int)
    return np.asarray((edges[:-1] + edges[1:] - 1) // 2)


def _scaled(frames: Array, size: tuple[int, int], mode: Mode) -> Array:
    import torch
    from torch.nn import functional

    if frames.shape[1:3] == size:
        return frames
    parts = []
    for start in range(0, len(frames), STEP):
        pictures = torch.from_numpy(np.ascontiguousarray(frames[start : start + STEP])).permute(0, 3, 1, 2).float()
        pictures = functional.interpolate(pictures, size, mode=mode, align_corners=False)
        parts.append(pictures.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy())
    return np.concatenate(parts)


def through(network: Callable[[Any], Any], frames: Array, mean: Sequence[float], deviation: Sequence[float], device: str) -> Array:
    """What a network answers to frames, ``STEP`` at a time.

    Args:
        network: takes float32 (B, 3, H, W), answers (B, ...).
        frames: uint8 (T, H, W, 3).
        mean: subtracted from pixels in 0 ... 1, per colour.
        deviation: by which they are then divided.

    Returns:
        float32 (T, ...).
    """
    import torch

    centre, width = (torch.tensor(values).view(1, 3, 1, 1).to(device) for values in (mean, deviation))
    answers = []
    with torch.no_grad():
        for start in range(0, len(frames), STEP):
            pictures = torch.from_numpy(np.ascontiguousarray(frames[start : start + STEP])).to(device)
            answers.append(network((pictures.permute(0, 3, 1, 2).float() / 255.0 - centre) / width).float().cpu().numpy())
    return np.concatenate(answers)
