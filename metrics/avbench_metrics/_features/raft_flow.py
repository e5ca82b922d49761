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
from avbench_metrics._maths.flow_statistics import halved_size, mean_component, mean_length, sampled_frames, top_length

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
        height, width = frames.shape[1:3]
        if min(height, width) < SMALLEST:
            raise Unscorable(f"A picture of {width}x{height} is too small for RAFT.", "too_small")
        return frames, seconds

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Pair by pair, clip by clip."""
        from avbench_metrics._features.networks import raft

        network = weights.network(CHECKPOINT, raft.build, raft.tiny, device)
        return lambda batch: [_statistics(network, frames, seconds, device) for frames, seconds in batch]


def _statistics(network: Any, frames: Array, seconds: Array, device: str) -> Array:
    import torch

    from avbench_metrics._features.networks.raft import padded

    side = min(frames.shape[1:3])
    rows = []
    with torch.no_grad():
        pictures = (padded(torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float().to(device)) for frame in frames)
        for (before, after), (start, end) in zip(pairwise(pictures), pairwise(seconds), strict=True):
            flow = network(before, after)[0].cpu().numpy()
            rows.append((top_length(flow), mean_component(flow), mean_length(flow), end - start, side))
    return np.asarray(rows, dtype=np.float64).reshape(-1, 5).T
