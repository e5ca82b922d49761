"""One vector per clip from a video network: I3D's logits and VideoMAE V2's feature, for distances between sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, Read
from avbench.rule import hashed

I3D, VIDEOMAE = "i3d_kinetics_400", "videomae_v2_g_ssv2"
RATE = 12.0  # pictures per second of ``fixed``: its 24 pictures span two seconds of every clip
CONSECUTIVE = 16  # frames of cd-fvd
RESOLUTION = 256  # pixels, cd-fvd's default


@dataclass(frozen=True)
class I3dLogits(Feature):
    """The 400 logits of I3D (Kinetics-400), float32 (1, 400).

    Args:
        protocol: ``javisbench`` takes 24 frames spread over the whole file, letterboxed, in its range of 127 ... 255; ``fixed``
            takes the first 24 pictures at 12 per second, letterboxed, in the full range; ``cdfvd`` takes 16 consecutive frames,
            see ``VideoMaeFeature``.
    """

    batch_size: ClassVar[int] = 4
    width: ClassVar[int | None] = 400
    protocol: Literal["javisbench", "fixed", "cdfvd"] = "fixed"

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame, or 12 pictures per second."""
        return (Frames(fps=RATE if self.protocol == "fixed" else None),)

    @property
    def weights(self) -> tuple[str, ...]:
        """The port's file."""
        return (I3D,)

    def prepare(self, clip: Clip) -> Array:
        """uint8 (24 or 16, h, w, 3); raises ``Unscorable`` for clips of under 2 s (``fixed``) or 16 frames (``cdfvd``)."""
        import torch

        from avbench_metrics._features.networks import i3d

        if self.protocol == "cdfvd":
            return consecutive(clip)
        (ask,) = self.reads
        assert isinstance(ask, Frames)
        frames, _ = clip.frames(ask)
        wanted = i3d.JAVISBENCH_FRAMES
        if self.protocol == "fixed" and len(frames) < wanted:
            raise Unscorable(f"The clip has {len(frames)} pictures at {RATE:g} per second, not {wanted}.", "too_short")
        chosen = list(range(wanted)) if self.protocol == "fixed" else i3d.frame_choice(len(frames), wanted)
        small = i3d.letterbox(torch.from_numpy(frames[chosen]))
        return np.asarray(i3d.to_bytes(small, "fixed" if self.protocol == "fixed" else "official").numpy())

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Clip by clip."""
        import torch

        from avbench_metrics._features.networks import i3d

        network = weights.network(I3D, i3d.build, i3d.tiny, device)
        fit = i3d.squash if self.protocol == "cdfvd" else i3d.crop

        def logits(frames: Array) -> Array:
            with torch.no_grad():
                return np.asarray(network(fit(torch.from_numpy(frames)[None]).to(device)).cpu().numpy())

        return lambda batch: [logits(frames) for frames in batch]


@dataclass(frozen=True)
class VideoMaeFeature(Feature):
    """VideoMAE V2's feature of 16 consecutive frames, float32 (1, 1408): cd-fvd's.

    Frames: shorter side to 256 (bilinear, anti-aliased), centre crop, cut off to whole grey levels, then to 224 (bilinear), / 255
    and nothing more. Where they begin follows from the clip's bytes; cd-fvd draws it at random.
    """

    batch_size: ClassVar[int] = 4

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame."""
        return (Frames(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """The authors' file."""
        return (VIDEOMAE,)

    def prepare(self, clip: Clip) -> Array:
        """uint8 (16, 256, 256, 3); raises ``Unscorable`` for clips of fewer than 16 frames."""
        return consecutive(clip)

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Clip by clip."""
        import torch
        from torch.nn import functional

        from avbench_metrics._features.networks import videomae

        network = weights.network(VIDEOMAE, videomae.build, videomae.tiny, device, videomae.unwrapped)

        def feature(frames: Array) -> Array:
            pictures = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255.0
            small = functional.interpolate(pictures, (videomae.SIDE, videomae.SIDE), mode="bilinear", align_corners=False)
            with torch.no_grad():
                return np.asarray(network(small.transpose(0, 1)[None].to(device)).cpu().numpy())

        return lambda batch: [feature(frames) for frames in batch]


def consecutive(clip: Clip) -> Array:
    """cd-fvd's 16 consecutive frames, uint8 (16, 256, 256, 3); raises ``Unscorable`` where the clip has fewer."""
    import torch
    from torch.nn import functional

    frames, _ = clip.frames(Frames())
    spare = len(frames) - CONSECUTIVE
    if spare < 0:
        raise Unscorable(f"The clip has {len(frames)} frames; the distance needs {CONSECUTIVE}.", "too_short")
    start = int((hashed(f"cdfvd:{clip.digest}", 1)[0] + 1.0) / 2.0 * (spare + 1))
    pictures = torch.from_numpy(frames[start : start + CONSECUTIVE]).permute(0, 3, 1, 2).float() / 255.0
    height, width = pictures.shape[-2:]
    size = [int(np.ceil(side * (RESOLUTION / min(height, width)))) for side in (height, width)]
    size[0 if height < width else 1] = RESOLUTION
    scaled = functional.interpolate(pictures, size, mode="bilinear", align_corners=False, antialias=True)
    top, left = ((side - RESOLUTION) // 2 for side in size)
    square = scaled[..., top : top + RESOLUTION, left : left + RESOLUTION]
    return np.asarray((square * 255).to(torch.uint8).permute(0, 2, 3, 1).numpy())
