"""Cuts between shots by the change of hue, saturation and value (PySceneDetect's ContentDetector, written anew)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from avbench.feature import Array

THRESHOLD, LEAST = 27.0, 15  # since PySceneDetect 0.6; 0.5 cut at 30
WIDTHS = ((3200, 12), (2100, 8), (1700, 6), (1200, 5), (900, 4), (600, 3), (400, 2))  # of pictures of this width every n-th pixel


def content(picture: Array) -> Array:
    """Hue (0..179), saturation and value (0..255) of every n-th pixel, int16 (rows, columns, 3) of uint8 BGR."""
    import cv2

    step = next((step for width, step in WIDTHS if picture.shape[1] >= width), 1)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(picture[::step, ::step]), cv2.COLOR_BGR2HSV)).astype(np.int16)


def shots(contents: Iterable[Array], threshold: float = THRESHOLD) -> list[tuple[int, int]]:
    """First frame and the one behind the last of every shot; together they are the clip.

    Args:
        contents: ``content`` of each frame.
        threshold: a cut lies before a frame whose three channels change by this much on average; after a cut none is
            looked for within 15 frames. Hue counts as it stands, so that 179 and 0 lie far apart.
    """
    cuts, before, count = [0], None, 0
    for count, now in enumerate(contents, start=1):
        changed = before is not None and float(np.abs(now - before).mean()) >= threshold
        if changed and (len(cuts) == 1 or count - 1 - cuts[-1] >= LEAST):
            cuts.append(count - 1)
        before = now
    return list(zip(cuts, [*cuts[1:], count], strict=True)) if count else []
