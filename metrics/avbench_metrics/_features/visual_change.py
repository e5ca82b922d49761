"""How much the picture changes from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, Read


@dataclass(frozen=True)
class VisualChange(Feature):
    """Per pair of frames at the file's own rate: float64 (4, pairs).

    Rows: seconds half-way between the two frames, mean absolute luma difference, mean of the largest 5 % of absolute
    differences, signed difference of mean luma (grey levels of 255).
    """

    version: ClassVar[int] = 3
    height: int = 144

    @property
    def reads(self) -> tuple[Read, ...]:
        """Luma at a reduced height."""
        return (Frames(height=self.height, gray=True),)

    def prepare(self, clip: Clip) -> Array:
        """See the class; raises ``Unscorable`` for fewer than two frames."""
        frames, seconds = clip.frames(Frames(height=self.height, gray=True))
        if len(frames) < 2:
            raise Unscorable("The clip has one frame; change needs two.", "too_short")
        top = max(1, frames[0].size // 20)
        rows = []
        for before, after, left, right in zip(frames[:-1], frames[1:], seconds[:-1], seconds[1:], strict=True):
            change = after.astype(np.int16) - before
            size = np.abs(change).ravel()
            strongest = np.partition(size, size.size - top)[-top:]
            rows.append(((left + right) / 2, size.mean(), strongest.mean(), change.mean()))
        return np.asarray(rows, dtype=np.float64).T
