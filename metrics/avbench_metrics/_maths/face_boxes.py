"""From a detector's answers to boxes of faces: where the priors lie, what the offsets say, which boxes mean the same face.

Sources: S3FD (Zhang et al., arXiv 1708.05237) as in github.com/joonson/syncnet_python; SCRFD (Guo et al., arXiv 2105.04714) as in
github.com/deepinsight/insightface. Boxes are (left, top, right, bottom) in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Boxes = NDArray[np.float64]

SIDES, STRIDES = (16, 32, 64, 128, 256, 512), (4, 8, 16, 32, 64, 128)
SHIFT, STRETCH = 0.1, 0.2  # the scales of offsets of the centre and of the logarithm of the size
ANCHOR_STRIDES, ANCHORS = (8, 16, 32), 2


def priors(maps: Sequence[tuple[int, int]]) -> Boxes:
    """One square in the middle of each cell of S3FD's six maps, float64 (P, 3): centre x, centre y, side.

    Args:
        maps: rows and columns of each, from fine to coarse; cells are 4, 8, ... 128 pixels wide, squares four times that.
    """
    found = []
    for (rows, columns), side, stride in zip(maps, SIDES, STRIDES, strict=True):
        y, x = np.mgrid[:rows, :columns] + 0.5
        found.append(np.stack([x.ravel() * stride, y.ravel() * stride, np.full(rows * columns, float(side))], axis=1))
    return np.concatenate(found)


def decoded(offsets: ArrayLike, around: Boxes) -> Boxes:
    """Boxes that S3FD's offsets (P, 4) make of ``priors`` (P, 3), float64 (P, 4)."""
    moved = np.asarray(offsets, dtype=np.float64)
    side = around[:, 2:]
    centre, size = around[:, :2] + SHIFT * moved[:, :2] * side, side * np.exp(STRETCH * moved[:, 2:])
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1)


def anchored(distances: ArrayLike, stride: int, columns: int) -> Boxes:
    """Boxes of one of SCRFD's maps, float64 (cells * 2, 4).

    Args:
        distances: (cells * 2, 4) from each anchor to the left, top, right and bottom, in strides; two anchors per cell.
        stride: pixels from cell to cell; the anchor lies at the cell's first corner.
        columns: cells in a row.
    """
    away = np.asarray(distances, dtype=np.float64) * stride
    cell = np.arange(len(away)) // ANCHORS
    corner = np.stack([cell % columns, cell // columns], axis=1) * stride
    return np.concatenate([corner - away[:, :2], corner + away[:, 2:]], axis=1)


def overlaps(box: ArrayLike, boxes: ArrayLike, border: float = 0.0) -> NDArray[np.float64]:
    """Intersection over union of a box with each of (N, 4), float64 (N,).

    Args:
        border: added to every width and height; 1 where a box includes its last pixel.
    """
    one, many = np.asarray(box, dtype=np.float64), np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    shared = np.maximum(np.minimum(one[2:], many[:, 2:]) - np.maximum(one[:2], many[:, :2]) + border, 0.0).prod(axis=1)
    areas = (many[:, 2:] - many[:, :2] + border).prod(axis=1)
    return np.asarray(shared / (areas + (one[2:] - one[:2] + border).prod() - shared))


def best_first(boxes: Boxes, scores: ArrayLike, most: float, border: float = 0.0) -> NDArray[np.int64]:
    """Greedy suppression: numbers of the boxes that overlap no better one by more than ``most``, the best first."""
    left = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    kept = []
    while len(left):
        kept.append(int(left[0]))
        left = left[1:][overlaps(boxes[left[0]], boxes[left[1:]], border) <= most]
    return np.asarray(kept, dtype=np.int64)
