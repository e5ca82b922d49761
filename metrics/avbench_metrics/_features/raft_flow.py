"""What benchmarks keep of RAFT's flow between frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, Read
from avbench_metrics._maths.flow_statistics import STATIC_TOP, halved_size, mean_component, mean_length, sampled_frames, top_length

CHECKPOINT = "raft_things"
SMALLEST = 121  # pixels: padded to 128, below which RAFT does not work


@dataclass(frozen=True)
class RaftFlow(Feature):
    """Per pair of frames: float64 (5, pairs).

    Rows: the longest 5 % of the vectors' mean length, the mean size of a component, the mean length (pixels of the picture that
    flow ran on), seconds between the two frames, and the shorter side of that picture in pixels.

    Args:
        protocol: ``vbench`` takes every round(fps / 8)-th frame at its own size; ``verse_bench`` takes every frame, halved until
            no side exceeds 640. Padding counts as picture in both.
    """

    libraries: ClassVar[tuple[str, ...]] = ("torchvision",)
    batch_size: ClassVar[int] = 1
    protocol: Literal["vbench", "verse_bench"] = "vbench"

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is."""
        return (Frames(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """The authors' file."""
        return (CHECKPOINT,)

    def prepare(self, clip: Clip) -> Any:
        """Frames uint8 (frames, H, W, 3) and seconds (frames,); raises ``Unscorable`` for one frame or sides under 121 pixels."""
        import cv2

        frames, seconds = clip.frames(Frames())
        if len(frames) < 2:
            raise Unscorable("The clip has one frame; motion needs two.", "too_short")
        if self.protocol == "vbench":
            chosen = sampled_frames(len(frames), (len(frames) - 1) / (seconds[-1] - seconds[0]))
            frames, seconds = frames[chosen], seconds[chosen]
        else:
            size = halved_size(frames.shape[2], frames.shape[1])
            frames = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR) for frame in frames])
        _check_size(frames)
        return frames, seconds

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Pair by pair, clip by clip."""
        network = _network(device)
        return lambda batch: [_statistics(network, frames, seconds, device) for frames, seconds in batch]


@dataclass(frozen=True)
class StaticFlow(Feature):
    """What tells VBench's static clips: float64 (frames + 2,), from every frame at its own size.

    The mean length of the longest 2 % of the vectors in pixels, padding included, for each frame and the next, from the first to
    the last and from the last to the first; then the shorter side of the picture in pixels.
    """

    libraries: ClassVar[tuple[str, ...]] = ("torchvision",)
    batch_size: ClassVar[int] = 1

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is."""
        return (Frames(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """The authors' file."""
        return (CHECKPOINT,)

    def prepare(self, clip: Clip) -> Array:
        """Frames uint8 (frames, H, W, 3); raises ``Unscorable`` for one frame or sides under 121 pixels."""
        frames, _ = clip.frames(Frames())
        if len(frames) < 2:
            raise Unscorable("The clip has one frame; motion needs two.", "too_short")
        _check_size(frames)
        return frames

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Pair by pair, clip by clip."""
        network = _network(device)

        def answer(frames: Array) -> Array:
            last = len(frames) - 1
            pairs = [*pairwise(range(len(frames))), (0, last), (last, 0)]
            tops = [top_length(_flow(network, frames[a], frames[b], device), STATIC_TOP) for a, b in pairs]
            return np.asarray([*tops, min(frames.shape[1:3])], dtype=np.float64)

        return lambda batch: [answer(frames) for frames in batch]


def _check_size(frames: Array) -> None:
    height, width = frames.shape[1:3]
    if min(height, width) < SMALLEST:
        raise Unscorable(f"A picture of {width}x{height} is too small for RAFT.", "too_small")


def _network(device: str) -> Any:
    from avbench_metrics._features.networks import raft

    return weights.network(CHECKPOINT, raft.build, raft.tiny, device, keep=(raft.CALM,))


def _flow(network: Any, before: Array, after: Array, device: str) -> Array:
    """float32 (2, H, W) between two frames, padded to multiples of 8."""
    import torch

    from avbench_metrics._features.networks.raft import padded

    with torch.no_grad():
        first, second = (padded(torch.from_numpy(f.copy()).permute(2, 0, 1)[None].float().to(device)) for f in (before, after))
        return np.asarray(network(first, second)[0].cpu().numpy())


def _statistics(network: Any, frames: Array, seconds: Array, device: str) -> Array:
    side = min(frames.shape[1:3])
    rows = []
    for (before, after), (start, end) in zip(pairwise(frames), pairwise(seconds), strict=True):
        flow = _flow(network, before, after, device)
        rows.append((top_length(flow), mean_component(flow), mean_length(flow), end - start, side))
    return np.asarray(rows, dtype=np.float64).reshape(-1, 5).T
