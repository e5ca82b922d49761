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
    """Per pair of frames at the file's own rate: float64 (5, pairs).

    Rows: seconds half-way between the two frames, mean absolute luma difference, mean of the largest 5 % of absolute
    differences, signed difference of mean luma (grey levels of 255); and the difference averaged over a 9 x 9 grid whose cells
    are each divided by their own median, so that a small mouth counts as much as a large background.
    """

    version: ClassVar[int] = 2
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
        rows, grid = [], []
        for before, after, left, right in zip(frames[:-1], frames[1:], seconds[:-1], seconds[1:], strict=True):
            change = after.astype(np.int16) - before
            size = np.abs(change).ravel()
            grid.append(_cells(np.abs(change)))
            strongest = np.partition(size, size.size - top)[-top:]
            rows.append(((left + right) / 2, size.mean(), strongest.mean(), change.mean()))
        cells = np.asarray(grid)
        relative = (cells / (np.median(cells, axis=0) + 0.5)).mean(axis=1)
        return np.concatenate([np.asarray(rows, dtype=np.float64).T, relative[None]])


def _cells(size: Array) -> Array:
    """Means over a 9 x 9 grid (fewer where the picture is smaller), float64 (cells,)."""
    rows, columns = min(9, size.shape[0]), min(9, size.shape[1])
    high, wide = size.shape[0] // rows, size.shape[1] // columns
    cut = size[: rows * high, : columns * wide].reshape(rows, high, columns, wide)
    return np.asarray(cut.mean(axis=(1, 3)).ravel())
