"""Marks that networks give to single frames: looks (LAION on CLIP, v2.5 on SigLIP) and technical quality (MUSIQ, MANIQA)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, Read
from avbench_metrics._features.resized import longest_side, spread, squashed, through

AESTHETIC = ("siglip_so400m_384", "aesthetic_predictor_v2_5")
MUSIQ = {"koniq": "musiq_koniq", "spaq": "musiq_spaq"}
MANIQA = "maniqa_koniq"


@dataclass(frozen=True)
class SiglipAesthetic(Feature):
    """Marks of aesthetic-predictor-v2-5, about 1 ... 10, float32 (frames,).

    Args:
        frames: how many, evenly spread; None takes every one.
    """

    libraries: ClassVar[tuple[str, ...]] = ("transformers",)
    batch_size: ClassVar[int] = 2
    frames: int | None = None

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is."""
        return (Frames(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """SigLIP and the head on it."""
        return AESTHETIC

    def prepare(self, clip: Clip) -> Array:
        """uint8 (frames, 384, 384, 3), squashed (bicubic, anti-aliased)."""
        frames, _ = clip.frames(Frames())
        return squashed(frames[spread(len(frames), self.frames)], 384, "bicubic")

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Frame by frame, clip by clip."""
        from avbench_metrics._features.networks import laion_aesthetic, siglip

        tower = weights.network(AESTHETIC[0], siglip.build, siglip.tiny, device, siglip.converted)
        head = weights.network(AESTHETIC[1], _siglip_head, _siglip_head, device)

        def mark(pictures: Any) -> Any:
            return head(tower(pictures))

        assert laion_aesthetic.SIGLIP_SIZE == siglip.SIZE
        return lambda batch: [through(mark, frames, siglip.MEAN, siglip.DEVIATION, device) for frames in batch]


def _siglip_head() -> Any:
    from avbench_metrics._features.networks import laion_aesthetic

    return laion_aesthetic.build("siglip")


@dataclass(frozen=True)
class MusiqQuality(Feature):
    """MUSIQ's marks, 0 ... 100, float32 (frames,).

    Args:
        data: whose marks it learned, ``koniq`` or ``spaq``.
        longest: longer sides above it are reduced to it; None keeps the size.
        frames: as ``SiglipAesthetic``.
    """

    batch_size: ClassVar[int] = 1
    data: str = "koniq"
    longest: int | None = None
    frames: int | None = None

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is."""
        return (Frames(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """One of the two files."""
        return (MUSIQ[self.data],)

    def prepare(self, clip: Clip) -> Array:
        """uint8 (frames, H, W, 3); raises ``Unscorable`` for pictures too narrow for patches."""
        frames, _ = clip.frames(Frames())
        frames = frames[spread(len(frames), self.frames)]
        frames = frames if self.longest is None else longest_side(frames, self.longest)
        height, width = frames.shape[1:3]
        if not round(min(height, width) * 224 / max(height, width)):
            raise Unscorable(f"A picture of {width}x{height} is too narrow for patches.", "too_small")
        return frames

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Frame by frame, clip by clip."""
        from avbench_metrics._features.networks import musiq

        network = weights.network(MUSIQ[self.data], musiq.build, musiq.tiny, device)

        def mark(pictures: Any) -> Any:
            return network(pictures)[:, 0]

        return lambda batch: [through(mark, frames, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), device) for frames in batch]


@dataclass(frozen=True)
class ManiqaQuality(Feature):
    """MANIQA's marks, about 0 ... 1, float32 (frames,): each the mean over 20 random crops of 224 pixels.

    The crops follow from the clip's bytes, so that a clip always gets the same marks; the published code draws anew each time.

    Args:
        frames: as ``SiglipAesthetic``.
    """

    batch_size: ClassVar[int] = 1
    frames: int | None = None

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is."""
        return (Frames(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """The authors' file."""
        return (MANIQA,)

    def prepare(self, clip: Clip) -> Any:
        """Frames uint8 (frames, H, W, 3) and corners int (frames, 20, 2); raises ``Unscorable`` for sides of 224 and less."""
        from avbench_metrics._features.networks import maniqa

        frames, _ = clip.frames(Frames())
        chosen = spread(len(frames), self.frames)
        places = [maniqa.corners(frames.shape[1], frames.shape[2], f"{clip.digest}:{index}") for index in chosen]
        return frames[chosen], np.stack(places)

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """The crops of one frame at a time."""
        import torch

        from avbench_metrics._features.networks import maniqa

        network = weights.network(MANIQA, maniqa.build, maniqa.tiny, device)

        def marks(frames: Array, places: Array) -> Array:
            with torch.no_grad():
                pieces = [torch.from_numpy(maniqa.crops(f, p)).to(device) for f, p in zip(frames, places, strict=True)]
                return np.asarray([float(network(piece).mean()) for piece in pieces], dtype=np.float32)

        return lambda batch: [marks(frames, places) for frames, places in batch]
