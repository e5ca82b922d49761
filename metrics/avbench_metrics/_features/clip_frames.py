"""CLIP's embedding of every frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from avbench import weights
from avbench.clip import Clip
from avbench.feature import Array, Feature, Frames, Read
from avbench.tensors import fill
from avbench_metrics._features.resized import centre_crop, short_side, through

CHECKPOINTS = {"ViT-B/32": "clip_vit_b_32", "ViT-L/14": "clip_vit_l_14"}


@dataclass(frozen=True)
class ClipFrames(Feature):
    """Embeddings of every frame, float32 (frames, 512) of ViT-B/32 or (frames, 768) of ViT-L/14, of any length.

    Short side to 224 (bicubic, no anti-aliasing), centre crop, as VBench does; rounded to whole grey levels in between.
    """

    batch_size: ClassVar[int] = 2
    variant: str = "ViT-B/32"

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is."""
        return (Frames(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """OpenAI's file."""
        return (CHECKPOINTS[self.variant],)

    def prepare(self, clip: Clip) -> Array:
        """uint8 (frames, 224, 224, 3)."""
        frames, _ = clip.frames(Frames())
        return centre_crop(short_side(frames, 224, "bicubic"), 224)

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Frame by frame, clip by clip."""
        from avbench_metrics._features.networks import clip

        network = picture_tower(self.variant, device)
        return lambda batch: [through(network, frames, clip.MEAN, clip.DEVIATION, device) for frames in batch]


def picture_tower(variant: str, device: str) -> Any:
    """CLIP's picture tower from OpenAI's TorchScript file, or its stand-in.

    Raises:
        MissingCheckpoint: the file is not here.
        AvbenchError: it is another file.
    """
    name = CHECKPOINTS[variant]
    return weights.shared((name, "picture_tower", device), name, lambda: _picture_tower(variant, device))


def _picture_tower(variant: str, device: str) -> Any:
    from avbench.rule import rule_fill
    from avbench_metrics._features.networks import clip

    name = CHECKPOINTS[variant]
    if weights.stands_in(name):
        return rule_fill(clip.tiny(variant)).to(device).requires_grad_(False)
    (path,) = weights.paths(name).values()
    network = clip.build(variant)
    fill(network, clip.read_archive(path), f"{path} does not fit CLIP's {variant}")
    return network.to(device).requires_grad_(False)
