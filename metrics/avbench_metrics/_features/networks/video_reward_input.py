"""What VideoReward is fed: frames at 2 per second, cut into patches, and one fixed question.

The question (``video_reward_question.txt``) is the beginning of the template ``detailed_special`` of github.com/KwaiVGI/VideoAlign
(Liu et al., MIT), a part of the protocol: another wording gives other rewards. It ends at the second mark. What follows there, the
criteria of text alignment and the prompt, cannot change what a causal network gave before.
"""

from __future__ import annotations

import math
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avbench.compat import mend_torch
from avbench.errors import Unscorable, UsageError
from avbench.feature import Array

from .video_reward import TINY_VIDEO, TINY_VOCABULARY, VIDEO, VOCABULARY

FPS, LEAST_FRAMES, MOST_FRAMES = 2.0, 4, 768
PATCH, PAIR = 14, 2  # pixels; patches that a token stands for in each direction, frames that a patch spans
FACTOR = PATCH * PAIR
LEAST_PIXELS, MOST_PIXELS, MOST_RATIO = 128 * FACTOR * FACTOR, 448 * 448, 200
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # CLIP's

VISUAL, MOTION = "<|VQ_reward|>", "<|MQ_reward|>"
PLACE = "<|video_pad|>"
OPENING = (  # of Qwen2-VL's conversations
    f"<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<|vision_start|>{PLACE}<|vision_end|>"
)
IDS = {PLACE: VIDEO, "<|im_start|>": 151_644, "<|im_end|>": 151_645, "<|vision_start|>": 151_652, "<|vision_end|>": 151_653,
       VISUAL: 151_657, MOTION: 151_658}  # fmt: skip
TINY_IDS = {mark: number for number, mark in enumerate(IDS, start=TINY_VIDEO)}


def frame_count(total: int, rate: float) -> int:
    """How many of ``total`` frames at ``rate`` per second are looked at: 2 per second, even, 4 to 768 where there are as many.

    Raises ``Unscorable`` for fewer than two frames, as a patch spans two.
    """
    if total < PAIR:
        raise Unscorable("The clip has one frame; the judge looks at pairs.", "too_short")
    most = min(MOST_FRAMES, total) // PAIR * PAIR
    return round(min(max(total / rate * FPS, LEAST_FRAMES), most) / PAIR) * PAIR


def picture_size(height: int, width: int) -> tuple[int, int]:
    """Height and width nearest to a picture's that are multiples of 28, with 100,352 to 200,704 pixels.

    Raises ``Unscorable`` where one side is over 200 times the other.
    """
    if max(height, width) > MOST_RATIO * min(height, width):
        raise Unscorable(f"A picture of {width}x{height} is too narrow: a side is over {MOST_RATIO} times the other.", "too_small")
    near = [max(FACTOR, round(side / FACTOR) * FACTOR) for side in (height, width)]
    if math.prod(near) > MOST_PIXELS:
        shrink = math.sqrt(height * width / MOST_PIXELS)
        near = [math.floor(side / shrink / FACTOR) * FACTOR for side in (height, width)]
    elif math.prod(near) < LEAST_PIXELS:
        grow = math.sqrt(LEAST_PIXELS / (height * width))
        near = [math.ceil(side * grow / FACTOR) * FACTOR for side in (height, width)]
    return near[0], near[1]


def resized(frames: Array) -> Array:
    """Frames uint8 (T, H, W, 3) at ``picture_size``, bicubic with anti-aliasing, whole grey levels."""
    mend_torch()
    from torchvision.transforms import InterpolationMode, functional

    size = list(picture_size(*frames.shape[1:3]))
    pictures = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
    return np.asarray(functional.resize(pictures, size, InterpolationMode.BICUBIC, antialias=True).permute(0, 2, 3, 1).numpy())


def patches(frames: Array) -> tuple[torch.Tensor, tuple[int, int, int]]:
    """Frames uint8 (T, h, w, 3), T even, h and w multiples of 28, as patches of 2 frames and 14 x 14 pixels.

    Returns:
        float32 (t * y * x, 1176), normalised: by time, then 2 x 2 blocks by row and column, then within a block by row and column;
        each colour by colour, frame by frame, row by row. And the grid: t, y, x.
    """
    count, height, width, _ = frames.shape
    grid = count // PAIR, height // PATCH, width // PATCH
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, DEVIATION))
    pictures = (torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255.0 - mean) / deviation
    split = pictures.reshape(grid[0], PAIR, 3, grid[1] // PAIR, PAIR, PATCH, grid[2] // PAIR, PAIR, PATCH)
    return split.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(math.prod(grid), -1), grid


class Tokenizer:
    """VideoReward's byte pairs and marks from its ``tokenizer.json``.

    Raises ``UsageError`` where the vocabulary is not whole or a mark has another id: a cut one would still answer, with other ids.
    """

    video = VIDEO

    def __init__(self, path: Path) -> None:
        import tokenizers

        self._pairs: Any = tokenizers.Tokenizer.from_file(str(path))
        size = self._pairs.get_vocab_size()
        if size != VOCABULARY:
            raise UsageError(f"The tokenizer {path} has {size} entries, not VideoReward's {VOCABULARY}; fetch it again.")
        wrong = [mark for mark, number in IDS.items() if self._pairs.token_to_id(mark) != number]
        if wrong:
            raise UsageError(f"The tokenizer {path} is not VideoReward's: other ids for {', '.join(wrong)}.")
        self._pairs.no_padding()
        self._pairs.no_truncation()

    def __call__(self, text: str) -> list[int]:
        """Ids of a text; each mark is one."""
        return list(self._pairs.encode(text, add_special_tokens=False).ids)


class HashedWords:
    """Stand-in for ``Tokenizer`` where no file is at hand: marks keep their places, each word's CRC-32 is its id. Means nothing."""

    video = TINY_VIDEO

    def __call__(self, text: str) -> list[int]:
        """Ids of a text; each mark is one."""
        parts = re.findall(r"<\|\w+\|>|\w+", text)
        first = max(TINY_IDS.values()) + 1
        return [TINY_IDS.get(part, first + zlib.crc32(part.encode()) % (TINY_VOCABULARY - first)) for part in parts]


def question() -> str:
    """The whole question up to the second mark, with one place for the pictures."""
    return OPENING + Path(__file__).with_name("video_reward_question.txt").read_text(encoding="utf-8")


def spread_out(ids: list[int], video: int, grid: tuple[int, int, int]) -> torch.Tensor:
    """The question with the one id ``video`` repeated for every 2 x 2 patches of a grid, int64 (length,)."""
    place = ids.index(video)
    return torch.tensor([*ids[:place], *[video] * (math.prod(grid) // PAIR**2), *ids[place + 1 :]])
