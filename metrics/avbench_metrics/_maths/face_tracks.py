"""Faces of single frames joined to tracks, as github.com/joonson/syncnet_python (run_pipeline.py) and Verse-Bench join them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avbench_metrics._maths.face_boxes import Boxes, overlaps

OVERLAP, GAP = 0.5, 25


@dataclass(frozen=True)
class Track:
    """One face through consecutive frames.

    Args:
        first: its first frame.
        boxes: float64 (frames, 4), left, top, right, bottom; interpolated where the detector missed it.
        detections: in how many of them it was found.
        shot: frames of the shot it lies in.
    """

    first: int
    boxes: Boxes
    detections: int
    shot: int

    @property
    def side(self) -> float:
        """Mean width or mean height, whichever is larger, in pixels."""
        return float((self.boxes[:, 2:] - self.boxes[:, :2]).mean(axis=0).max())


def tracks(faces: Sequence[NDArray[np.float64]], shots: Sequence[tuple[int, int]], least: int) -> list[Track]:
    """Greedy tracks in order of their beginning; every face belongs to one.

    A track goes on with a face that overlaps its last one by more than half, and ends where 25 frames bring none.

    Args:
        faces: of each frame, boxes (k, 4), the surest first; those of one frame do not overlap.
        shots: first frame and the one behind the last; no track crosses from one to another.
        least: tracks of so many detections or fewer are dropped.
    """
    found = []
    for first, end in shots:
        left = [list(boxes) for boxes in faces[first:end]]
        while any(left):
            frames, boxes = _follow(left)
            if len(frames) > least:
                every = np.arange(frames[0], frames[-1] + 1)
                filled = np.stack([np.interp(every, frames, column) for column in np.asarray(boxes).T], axis=1)
                found.append(Track(first + frames[0], filled, len(frames), end - first))
    return found


def _follow(left: list[list[NDArray[np.float64]]]) -> tuple[list[int], list[NDArray[np.float64]]]:
    """Frames and boxes of the track that begins with the first face there is; they are taken out of ``left``."""
    frames: list[int] = []
    boxes: list[NDArray[np.float64]] = []
    for frame, candidates in enumerate(left):
        if frames and frame - frames[-1] > GAP:
            break
        for index, box in enumerate(candidates):
            if not boxes or overlaps(boxes[-1], box)[0] > OVERLAP:
                frames.append(frame)
                boxes.append(candidates.pop(index))
                break
    return frames, boxes


def runs(faces: Sequence[NDArray[np.float64]], least: int) -> list[Track]:
    """Verse-Bench's segments: the surest face of each frame, whoever it is, through frames without a gap.

    Args:
        faces: of each frame, boxes (k, 4), the surest first.
        least: shorter runs are dropped.
    """
    there = np.asarray([len(boxes) > 0 for boxes in faces], dtype=np.int8)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], there, [0]])))
    spans = [(int(first), int(end)) for first, end in edges.reshape(-1, 2) if end - first >= least]
    return [Track(first, np.stack([boxes[0] for boxes in faces[first:end]]), end - first, len(faces)) for first, end in spans]
