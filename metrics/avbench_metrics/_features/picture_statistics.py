"""Statistics of the picture, frame by frame, from one conversion of the clip."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, Read

CHANGE, LAPLACIAN = range(2)  # columns of PictureStatistics
SECONDS, TRAVEL = range(2)  # columns of FlowStatistics
SHARPNESS_HEIGHT = 256
HALF_TICK = 5e-4  # the clock's tolerance where timestamps are rounded to milliseconds


@dataclass(frozen=True)
class PictureStatistics(Feature):
    """float64 (frames, 2), one row per frame the file shows.

    Column 0: mean |difference| to the frame before over all pixels and RGB channels, in levels 0..255; NaN in row 0.
    Column 1: variance of the 4-neighbour Laplacian of the luma at 256 rows, in levels².

    Args:
        height: rows to shrink to before anything else; None keeps the file's size, as VBench does.
    """

    height: int | None = None

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame in colour."""
        return (Frames(height=self.height),)

    def prepare(self, clip: Clip) -> Array:
        """Measure one clip; raises ``Unscorable`` (``too_short``) for a single frame."""
        frames = _moving(clip, self.height)[0]
        rows = np.full((len(frames), 2), np.nan)
        for i, frame in enumerate(frames):
            rows[i, LAPLACIAN] = laplacian_variance(frame)
            if i:
                rows[i, CHANGE] = mean_difference(frames[i - 1], frame)
        return rows


@dataclass(frozen=True)
class FlowStatistics(Feature):
    """float64 (pairs, 2), one row per pair of neighbouring samples of the picture.

    Column 0: seconds between the two. Column 1: mean length of the Farneback flow, in diagonals of the frame.

    Args:
        fps: pictures per second that are compared; a slower clip shows the same frame twice, with no flow between.
        flow_height: rows at which flow is computed.
        height: as in ``PictureStatistics``, so that both share one conversion.
    """

    fps: float = 8.0
    flow_height: int = 128
    height: int | None = None

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame in colour, as ``PictureStatistics`` asks too."""
        return (Frames(height=self.height),)

    def prepare(self, clip: Clip) -> Array:
        """Measure one clip; raises ``Unscorable`` (``too_short``) where it lasts less than two samples."""
        frames, times = _moving(clip, self.height)
        ticks = np.arange(times[0], times[-1] + HALF_TICK, 1.0 / self.fps)
        if len(ticks) < 2:
            raise Unscorable(f"The picture lasts less than {1.0 / self.fps:.3f} s.", "too_short")
        shown = np.searchsorted(times, ticks + HALF_TICK, side="right") - 1
        small = [_gray(frames[i], self.flow_height) for i in shown]
        travel = [flow_length(a, b) for a, b in pairwise(small)]
        return np.column_stack((np.diff(ticks), travel))


def mean_difference(first: Array, second: Array) -> float:
    """Mean |first − second| of two uint8 pictures of one shape, in levels 0..255."""
    import cv2

    return float(np.mean(cv2.mean(cv2.absdiff(first, second))[: first.shape[2]]))


def laplacian_variance(frame: Array) -> float:
    """Variance of the Laplacian of a uint8 RGB picture's luma at no more than 256 rows, in levels²; 0 if it is flat."""
    import cv2

    return float(cv2.Laplacian(_gray(frame, SHARPNESS_HEIGHT), cv2.CV_64F).var())


def flow_length(first: Array, second: Array) -> float:
    """Mean length of Farneback's dense flow between two uint8 gray pictures, in diagonals of the picture."""
    import cv2

    if np.array_equal(first, second):
        return 0.0
    start = np.zeros((*first.shape, 2), np.float32)
    flow = cv2.calcOpticalFlowFarneback(first, second, start, 0.5, 3, 15, 3, 5, 1.2, 0)
    return float(np.hypot(flow[..., 0], flow[..., 1]).mean() / np.hypot(*first.shape))


def _moving(clip: Clip, height: int | None) -> tuple[Array, Array]:
    frames, times = clip.frames(Frames(height=height))
    if len(frames) < 2:
        raise Unscorable("The picture is a single frame.", "too_short")
    return frames, times


def _gray(frame: Array, rows: int) -> Array:
    """Luma, shrunk by area averaging to ``rows``; smaller pictures stay as they are."""
    import cv2

    gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    if gray.shape[0] > rows:
        width = max(1, round(gray.shape[1] * rows / gray.shape[0]))
        gray = cv2.resize(gray, (width, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(gray)
