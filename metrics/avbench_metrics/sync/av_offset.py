"""AV offset: seconds by which the sound lags the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import ndimage

from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.onset_strength import STEPS
from avbench_metrics._features.sound_change import SoundChange
from avbench_metrics._features.visual_change import VisualChange

CHANGE, SOUND = VisualChange(), SoundChange()
LAG_SECONDS = 1.0
GUARD_SECONDS = 0.05  # a wiggle this near the best lag gives the same answer
TREND_SECONDS = (0.25, 0.5)


@dataclass(frozen=True)
class AvOffset(ClipMetric):
    """Lag at which change of the picture and of the sound agree best.

    Args:
        confidence: least height of the best peak over the second best, as correlation times root of the seconds in overlap.
        edge_seconds: a peak nearer than this to the end of the search may belong to a still greater offset.
    """

    confidence: float = 0.04
    edge_seconds: float = 0.05

    card: ClassVar[Card] = Card(
        title="AV offset",
        better="zero",
        unit="s",
        range=(-1.0, 1.0),
        formula="argmax over lag of r sqrt(T), r = mean Pearson correlation of picture and sound cues, T = seconds in overlap; "
        "positive: sound late",
        source="avbench; cross-correlation of change, cf. Chung and Zisserman 2016 for the convention",
        version=2,
        protocol="picture: root and log of the top 5 % |luma difference|, size and root of mean luma change, at 144 rows; sound: "
        "size and rise of log-mel and of log energy changes, size of mel magnitude changes; 100 Hz, trends of 0.25 and 0.5 s "
        "removed; lags up to 1 s or half the clip",
        notes="Not applicable where the best lag hardly beats the second best, as with periodic motion, and where picture or sound "
        "is still. A signal method: it sees impacts and mouth movement, not meaning. Reported value: mean size; the signed mean "
        "stands beside.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (CHANGE, SOUND)

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` where no lag stands out."""
        lag, confidence, reach = self._estimate(sample)
        if confidence < self.confidence:
            raise Unscorable(f"No lag stands out: the best beats the second by {confidence:.3f}, under {self.confidence:g}.")
        if abs(lag) > reach - self.edge_seconds:
            raise Unscorable(f"The best lag, {lag:+.2f} s, lies at the edge of the search; the offset may be greater.")
        return lag

    def details(self, sample: Sample) -> Mapping[str, float]:
        """Confidence: the margin of the best lag over the second best."""
        return {"confidence": self._estimate(sample)[1]}

    def summaries(self, scores: Sequence[float]) -> Mapping[str, float]:
        """Share of clips within 45 ms (broadcast, ITU-R BT.1359 detectability) and within 125 ms."""
        size = np.abs(np.asarray(scores))
        return {"within_45_ms": float((size <= 0.045).mean()), "within_125_ms": float((size <= 0.125).mean())}

    def _estimate(self, sample: Sample) -> tuple[float, float, float]:
        change, sound = sample[CHANGE], sample[SOUND]
        if float(change[2].max()) < 1.0:
            raise Unscorable("The picture does not move.")
        curve = agreement(change, sound)
        return (*peak(curve), (len(curve) // 2) / STEPS)


def agreement(change: Array, sound: Array) -> Array:
    """Mean correlation of all pairs of cues times the root of the seconds in overlap, by lag, float64 (2 reach + 1,).

    Args:
        change: ``VisualChange``, (4, pairs of frames).
        sound: ``SoundChange``, (5, steps).

    The reach is 1 s or half of what both share, in steps of 10 ms. Chance alone makes a correlation of T seconds as large as
    1 / sqrt(T): without the root a lag would win by leaving less to contradict it.
    """
    grid = np.arange(int(change[0, -1] * STEPS)) / STEPS
    top, luma = np.interp(grid, change[0], change[2]), np.interp(grid, change[0], np.abs(change[3]))
    picture = np.stack([np.sqrt(top), np.log(top + 0.5), luma, np.sqrt(luma)])
    count = min(len(grid), sound.shape[1])
    reach = min(round(LAG_SECONDS * STEPS), count // 2)
    curves = [_by_lag(_detrended(picture, s)[:, :count], _detrended(sound, s)[:, :count], reach) for s in TREND_SECONDS]
    overlap = count - np.abs(np.arange(-reach, reach + 1))
    return np.asarray(np.mean(curves, axis=0) * np.sqrt(overlap / STEPS))


def _detrended(cues: Array, seconds: float) -> Array:
    """Without what is slower than ``seconds``: cuts, music and camera moves have trends that agree at any lag."""
    return np.asarray(cues - ndimage.gaussian_filter1d(cues, seconds * STEPS, axis=1, mode="nearest"))


def _by_lag(picture: Array, sound: Array, reach: int) -> Array:
    """Pearson correlation averaged over all rows of ``picture`` and all of ``sound``, float64 (2 reach + 1,)."""
    count = picture.shape[1]
    return np.asarray([
        float(np.mean(_unit(picture[:, max(0, -lag) : count - max(0, lag)]) @ _unit(sound[:, max(0, lag) : count - max(0, -lag)]).T))
        for lag in range(-reach, reach + 1)
    ])  # fmt: skip


def _unit(rows: Array) -> Array:
    """Rows of mean 0 and length 1; rows that do not vary become 0."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(np.where(length > 1e-6, centred / np.maximum(length, 1e-6), 0.0))


def peak(curve: Array) -> tuple[float, float]:
    """Best lag in seconds (refined by a parabola) and its margin over the best other local maximum, ends included."""
    best = int(curve.argmax())
    guard = round(GUARD_SECONDS * STEPS)
    padded = np.pad(curve, 1, constant_values=-np.inf)
    maxima = np.flatnonzero((curve >= padded[:-2]) & (curve >= padded[2:]) & (np.abs(np.arange(len(curve)) - best) > guard))
    margin = float(curve[best] - curve[maxima].max(initial=-1.0))
    shift = 0.0
    if 0 < best < len(curve) - 1:
        left, middle, right = curve[best - 1 : best + 2]
        bend = left - 2 * middle + right
        shift = 0.5 * float(left - right) / float(bend) if bend < 0 else 0.0
    return (best + float(np.clip(shift, -0.5, 0.5)) - len(curve) // 2) / STEPS, margin


METRIC = AvOffset()
