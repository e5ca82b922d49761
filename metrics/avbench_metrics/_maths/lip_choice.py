"""Which tracks of faces count, and how their scores become one clip's.

A track is a row of 7 + 31 numbers: first frame, frames, detections, frames of its shot, side in pixels, root mean square of its
sound, frames of the clip; then the mean distance for each shift of ``lip_sync``, NaN where the face left the picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avbench.errors import Unscorable
from avbench_metrics._maths.lip_sync import LipScores, lip_scores

Rows = NDArray[np.float64]

HEAD = 7
FIRST, FRAMES, DETECTIONS, SHOT, SIDE, LEVEL, CLIP = range(HEAD)
EDGE = 14  # frames; Verse-Bench drops a clip with an offset as great as this


def usable(rows: Rows, more_than: int, shot: int) -> Rows:
    """Tracks of more than so many detections in a shot of at least so many frames, float64 (k, 38), k > 0.

    Raises:
        Unscorable: ``no_face``, none.
    """
    kept = rows[(rows[:, DETECTIONS] > more_than) & (rows[:, SHOT] >= shot) & np.isfinite(rows).all(axis=1)]
    if not len(kept):
        reason = f"{len(rows)} tracks of faces were found, none in more than {more_than} frames of one shot and inside the picture."
        raise Unscorable(reason if len(rows) else "No face could be followed.", "no_face")
    return kept


def scores(rows: Rows) -> list[LipScores]:
    """Offset, LSE-D and LSE-C of each track."""
    return [lip_scores(row[None, HEAD:]) for row in rows]


def mean(rows: Rows, weighted: bool) -> tuple[float, float]:
    """LSE-D and LSE-C averaged over tracks, each weighted by its frames or all alike."""
    found = scores(rows)
    weights = rows[:, FRAMES] if weighted else np.ones(len(rows))
    distance, confidence = np.average([s[1:] for s in found], axis=0, weights=weights)
    return float(distance), float(confidence)


def best(rows: Rows) -> tuple[float, float]:
    """LSE-D and LSE-C of the track with the largest LSE-C less LSE-D."""
    chosen = max(scores(rows), key=lambda s: s.confidence - s.distance)
    return chosen.distance, chosen.confidence


def verse_bench(rows: Rows) -> tuple[float, float]:
    """Verse-Bench's two numbers: the mean of all distances, and LSE-C averaged over runs.

    Raises:
        Unscorable: ``no_face``; or an offset of 14 frames or more in any run, for which the official code drops the clip.
    """
    found = scores(usable(rows, 0, 0))
    far = [s.offset for s in found if abs(s.offset) >= EDGE]
    if far:
        raise Unscorable(f"Mouth and sound are {far[0]} frames apart; Verse-Bench drops clips with {EDGE} or more.")
    return float(np.nanmean(rows[:, HEAD:])), float(np.mean([s.confidence for s in found]))


def coverage(rows: Rows) -> float:
    """Share of the clip's frames in which a face is followed, 0..1."""
    seen = np.zeros(int(rows[0, CLIP]), dtype=bool)
    for first, frames in rows[:, [FIRST, FRAMES]].astype(int):
        seen[first : first + frames] = True
    return float(seen.mean())
