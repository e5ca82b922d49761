"""DINOv3's tokens of every frame and of the prompt's picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.feature import Array, Feature, Frames, ImageReference, Read
from avbench_metrics._features.resized import squashed, through

CHECKPOINT = "dinov3_vit_l_16"
CLASS, OFFICIAL = 0, -2  # tokens: the class; the patch that Verse-Bench takes for it


@dataclass(frozen=True)
class Dinov3Tokens(Feature):
    """Two tokens of DINOv3 ViT-L/16 of the prompt's picture (first) and of every frame: float32 (1 + frames, 2, 1024).

    Tokens: the class token, and the last but one, which is the patch of rows 208 to 223 and columns 192 to 207. Pictures are
    squashed to 224 x 224 (bilinear, anti-aliased).
    """

    libraries: ClassVar[tuple[str, ...]] = ("transformers",)
    batch_size: ClassVar[int] = 2

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is, and the prompt's picture."""
        return (Frames(), ImageReference())

    @property
    def weights(self) -> tuple[str, ...]:
        """Facebook's file."""
        return (CHECKPOINT,)

    def prepare(self, clip: Clip) -> Array:
        """uint8 (1 + frames, 224, 224, 3); raises ``MediaError`` where the prompt has no picture that can be read."""
        pictures = squashed(clip.image()[None], 224, "bilinear")
        return np.concatenate([pictures, squashed(clip.frames(Frames())[0], 224, "bilinear")])

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Picture by picture, clip by clip."""
        from avbench_metrics._features.networks import dinov3

        network = weights.network(CHECKPOINT, dinov3.build, dinov3.tiny, device, dinov3.converted)

        def tokens(pictures: Any) -> Any:
            return network(pictures)[:, [CLASS, OFFICIAL]]

        return lambda batch: [through(tokens, pictures, dinov3.MEAN, dinov3.DEVIATION, device) for pictures in batch]
