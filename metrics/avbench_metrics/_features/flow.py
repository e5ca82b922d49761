"""Mean optical flow from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, Read
from avbench_metrics._features.clock import frame_rate


@dataclass(frozen=True)
class FlowMagnitude(Feature):
    """Mean Farneback flow magnitude per pair of frames, float64 (3, pairs): seconds of the later frame, pixels per
    frame, and the rows of the picture it ran on.

    Args:
        height: rows of the picture it runs on.
    """

    version: ClassVar[int] = 2
    height: int = 144

    @property
    def reads(self) -> tuple[Read, ...]:
        """Luma."""
        return (Frames(height=self.height, gray=True),)

    def prepare(self, clip: Clip) -> Array:
        """See the class; raises ``Unscorable`` for fewer than two frames or pictures under 16 pixels."""
        frames, seconds = clip.frames(Frames(height=self.height, gray=True))
        sizes = mean_flow(frames)
        return np.stack([np.asarray(seconds[1:], dtype=np.float64), sizes, np.full(len(sizes), float(frames.shape[1]))])


@dataclass(frozen=True)
class FlowOfOpenCv(Feature):
    """Frames per second, then the mean Farneback flow magnitude per pair of frames in pixels: float64 (1 + pairs,).

    At the file's size, of the grey that OpenCV makes of the colours: not the luma that the file holds.
    """

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is."""
        return (Frames(),)

    def prepare(self, clip: Clip) -> Array:
        """As ``FlowMagnitude``."""
        import cv2

        frames, seconds = clip.frames(Frames())
        sizes = mean_flow(np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]))
        return np.concatenate([[frame_rate(seconds)], sizes])


def mean_flow(frames: Array) -> Array:
    """Mean length of Farneback's flow from each frame to the next, float64 (T - 1,) pixels, of uint8 (T, height, width).

    Raises:
        Unscorable: ``too_short``: fewer than two frames; ``too_small``: a side under 16 pixels.
    """
    import cv2

    if len(frames) < 2:
        raise Unscorable("The clip has one frame; motion needs two.", "too_short")
    if min(frames.shape[1:]) < 16:
        raise Unscorable(f"A picture of {frames.shape[2]}x{frames.shape[1]} is too small for optical flow.", "too_small")
    sizes = []
    for before, after in pairwise(frames):
        flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)
        sizes.append(float(np.hypot(flow[..., 0], flow[..., 1]).mean()))
    return np.asarray(sizes)
