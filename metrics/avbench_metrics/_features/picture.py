"""Statistics of the full picture, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, Read


@dataclass(frozen=True)
class FrameDifference(Feature):
    """Mean absolute RGB difference of consecutive frames at the file's own rate and size, float64 (pairs,), grey levels."""

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is."""
        return (Frames(),)

    def prepare(self, clip: Clip) -> Array:
        """See the class; raises ``Unscorable`` for fewer than two frames."""
        import cv2

        frames, _ = clip.frames(Frames())
        if len(frames) < 2:
            raise Unscorable("The clip has one frame; a difference needs two.", "too_short")
        return np.asarray([float(cv2.absdiff(a, b).mean()) for a, b in pairwise(frames)])


@dataclass(frozen=True)
class Gradient(Feature):
    """Variance of the Laplacian of the luma of each frame, float64 (frames,), at most 256 rows and 4 frames per second."""

    @property
    def reads(self) -> tuple[Read, ...]:
        """Four frames per second."""
        return (Frames(fps=4.0, height=256, gray=True),)

    def prepare(self, clip: Clip) -> Array:
        """See the class; raises ``Unscorable`` for pictures under 8 pixels."""
        import cv2

        frames, _ = clip.frames(Frames(fps=4.0, height=256, gray=True))
        if min(frames.shape[1:]) < 8:
            raise Unscorable(f"A picture of {frames.shape[2]}x{frames.shape[1]} is too small to judge.", "too_small")
        return np.asarray([float(cv2.Laplacian(frame, cv2.CV_64F).var()) for frame in frames])
