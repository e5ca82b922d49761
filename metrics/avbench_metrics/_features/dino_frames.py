"""DINO's embedding of every frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from avbench import weights
from avbench.clip import Clip
from avbench.feature import Array, Feature, Frames, Read
from avbench_metrics._features.resized import short_side, through

CHECKPOINT = "dino_vit_b_16"


@dataclass(frozen=True)
class DinoFrames(Feature):
    """Class tokens of DINO ViT-B/16 for every frame, float32 (frames, 768).

    Short side to 224 (bilinear, no anti-aliasing), nothing cut off, as VBench does; rounded to whole grey levels in between.
    """

    batch_size: ClassVar[int] = 2

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is."""
        return (Frames(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """Facebook's file."""
        return (CHECKPOINT,)

    def prepare(self, clip: Clip) -> Array:
        """uint8 (frames, h, w, 3), the shorter side 224."""
        return short_side(clip.frames(Frames())[0], 224, "bilinear")

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Frame by frame, clip by clip."""
        from avbench_metrics._features.networks import dino

        network = weights.network(CHECKPOINT, dino.build, dino.tiny, device)
        return lambda batch: [through(network, frames, dino.MEAN, dino.DEVIATION, device) for frames in batch]
