"""Mean optical flow from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, Read


@dataclass(frozen=True)
class FlowMagnitude(Feature):
    """Mean Farneback flow magnitude per pair of frames, float64 (3, pairs): seconds of the later frame, pixels per
    frame, and the rows of the picture it ran on.

    Args:
        height: rows of the picture it runs on; None is the file's own, as JavisBench does.
    """

    version: ClassVar[int] = 2
    height: int | None = 144

    @property
    def reads(self) -> tuple[Read, ...]:
        """Luma."""
        return (Frames(height=self.height, gray=True),)

    def prepare(self, clip: Clip) -> Array:
        """See the class; raises ``Unscorable`` for fewer than two frames or pictures under 16 pixels."""
        import cv2

        frames, seconds = clip.frames(Frames(height=self.height, gray=True))
        if len(frames) < 2:
            raise Unscorable("The clip has one frame; motion needs two.", "too_short")
        if min(frames.shape[1:]) < 16:
            raise Unscorable(f"A picture of {frames.shape[2]}x{frames.shape[1]} is too small for optical flow.", "too_small")
        sizes = []
        for before, after in pairwise(frames):
            flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)
            sizes.append(float(np.hypot(flow[..., 0], flow[..., 1]).mean()))
        return np.stack([np.asarray(seconds[1:], dtype=np.float64), np.asarray(sizes), np.full(len(sizes), float(frames.shape[1]))])
