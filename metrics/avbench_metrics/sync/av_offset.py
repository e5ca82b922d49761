"""AV offset: seconds by which the sound lags the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import fft, ndimage

from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.onset_strength import STEPS
from avbench_metrics._features.sound_change import SoundChange
from avbench_metrics._features.visual_change import VisualChange

CHANGE, SOUND = VisualChange(), SoundChange()
LAG_SECONDS = 1.0
GUARD_SECONDS = 0.05  # a wiggle this near the best lag gives the same answer
PERIOD_SECONDS = 0.12  # nothing seen at 16 frames a second repeats faster
TREND_SECONDS = (0.25, 0.5)


@dataclass(frozen=True)
class AvOffset(ClipMetric):
    """Lag at which change of the picture and of the sound agree best.

    Args:
        confidence: least height of the best peak over the second best, as correlation times root of the seconds in overlap.
        edge_seconds: a peak nearer than this to the end of the search may belong to a still greater offset.
        repetition, rival: no answer where picture and sound both correlate more than ``repetition`` with themselves moved, and
            the correlation at another lag exceeds the share ``rival`` of that at the best.
    """

    confidence: float = 0.04
    edge_seconds: float = 0.05
    repetition: float = 0.7
    rival: float = 0.9

    card: ClassVar[Card] = Card(
        title="AV offset",
        better="zero",
        unit="s",
        range=(-1.0, 1.0),
        formula="argmax over lag of r sqrt(T), r = mean Pearson correlation of picture and sound cues, T = seconds in overlap; "
        "positive: sound late",
        source="avbench; cross-correlation of change, cf. Chung and Zisserman 2016 for the convention",
        version=3,
        protocol="picture: root and log of the top 5 % |luma difference|, size and root of mean luma change, at 144 rows; sound: "
        "size and rise of log-mel and of log energy changes, size of mel magnitude changes; 100 Hz, trends of 0.25 and 0.5 s "
        "removed; lags up to 1 s or half the clip",
        notes="Not applicable where the best lag hardly beats the second best, where picture and sound repeat themselves, and "
        "where picture or sound is still. A signal method: it sees impacts and mouth movement, not meaning, and finds a lag for "
        "most foreign sounds too. Reported value: mean size; the signed mean stands beside.",
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

    def summaries(self, scores: Sequence[float], details: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
        """Share of clips within 45 ms (broadcast, ITU-R BT.1359 detectability) and within 125 ms."""
        size = np.abs(np.asarray(scores))
        return {"within_45_ms": float((size <= 0.045).mean()), "within_125_ms": float((size <= 0.125).mean())}

    def _estimate(self, sample: Sample) -> tuple[float, float, float]:
        change, sound = sample[CHANGE], sample[SOUND]
        if float(change[2].max()) < 1.0:
            raise Unscorable("The picture does not move.")
        curve = agreement(change, sound)
        if repetition(change, sound) > self.repetition and rival(curve) > self.rival:
            raise Unscorable("Picture and sound repeat themselves: lags one period apart agree equally well.")
        lag, confidence = peak(curve[0])
        return lag, confidence, (curve.shape[1] // 2) / STEPS


def agreement(change: Array, sound: Array) -> Array:
    """Agreement of picture and sound by lag, float64 (2, 2 reach + 1): r sqrt(T), and the mean correlation r alone.

    Args:
        change: ``VisualChange``, (4, pairs of frames).
        sound: ``SoundChange``, (5, steps).

    The reach is 1 s or half of what both share, in steps of 10 ms. Chance alone makes a correlation of T seconds as large as
    1 / sqrt(T): without the root a lag would win by leaving less to contradict it.
    """
    curves = []
    for seconds in TREND_SECONDS:
        seen, heard = _cues(change, sound, seconds)
        lags = _lags(seen.shape[1])
        curves.append(correlations(seen[:, None], heard[None], lags).mean(axis=(0, 1)))
    correlation = np.mean(curves, axis=0)
    return np.stack([correlation * np.sqrt((seen.shape[1] - np.abs(lags)) / STEPS), correlation])


def repetition(change: Array, sound: Array) -> float:
    """How well picture and sound both repeat themselves, -1 to 1: largest lag-correlation that both reach at one lag, or 0."""
    both = _cues(change, sound, max(TREND_SECONDS))
    lags = _lags(both[0].shape[1])
    own = [correlations(rows, rows, lags).mean(axis=0) for rows in both]
    return float(np.min(own, axis=0)[lags >= round(PERIOD_SECONDS * STEPS)].max(initial=0.0))


def rival(curve: Array) -> float:
    """Correlation of the best other peak as a share of that at the best lag of ``agreement``."""
    best = int(curve[0].argmax())
    others = _maxima(curve[1], best, PERIOD_SECONDS)
    return float(curve[1, others].max(initial=0.0) / max(float(curve[1, best]), 1e-9))


def _cues(change: Array, sound: Array, trend: float) -> tuple[Array, Array]:
    """Picture (4, steps) and sound (5, steps) at 100 Hz over what both share, without what is slower than ``trend`` seconds.

    Cuts, music and camera moves have trends that agree at any lag.
    """
    grid = np.arange(int(change[0, -1] * STEPS)) / STEPS
    top, luma = np.interp(grid, change[0], change[2]), np.interp(grid, change[0], np.abs(change[3]))
    count = min(len(grid), sound.shape[1])
    rows = np.stack([np.sqrt(top), np.log(top + 0.5), luma, np.sqrt(luma)]), sound
    slow = [ndimage.gaussian_filter1d(r, trend * STEPS, axis=1, mode="nearest") for r in rows]
    return (rows[0] - slow[0])[:, :count], (rows[1] - slow[1])[:, :count]


def _lags(count: int) -> Array:
    reach = min(round(LAG_SECONDS * STEPS), count // 2)
    return np.arange(-reach, reach + 1)


def correlations(early: Array, late: Array, lags: Array) -> Array:
    """Pearson correlation of ``early`` at t and ``late`` at t + lag over the t where both exist, float64 (..., lags).

    Args:
        early, late: (..., steps), broadcast against each other.
        lags: steps, each smaller than the length.

    Sums over windows are differences of running sums and products come from one FFT, for all lags at once. 0 where a side does not
    vary (length after centring under 1e-6).
    """
    count = early.shape[-1]
    starts, ends = np.maximum(0, -lags), count - np.maximum(0, lags)
    size = ends - starts
    x, xx = (_window_sums(rows, starts, ends) for rows in (early, early**2))
    y, yy = (_window_sums(rows, starts + lags, ends + lags) for rows in (late, late**2))
    length = fft.next_fast_len(2 * count)
    spectrum = np.conj(fft.rfft(early, length)) * fft.rfft(late, length)
    products = fft.irfft(spectrum, length)[..., lags % length]
    spread = np.sqrt(np.maximum(xx - x * x / size, 0.0)), np.sqrt(np.maximum(yy - y * y / size, 0.0))
    varies = (spread[0] > 1e-6) & (spread[1] > 1e-6)
    return np.where(varies, (products - x * y / size) / np.where(varies, spread[0] * spread[1], 1.0), 0.0)


def _window_sums(rows: Array, starts: Array, ends: Array) -> Array:
    total = np.concatenate([np.zeros((*rows.shape[:-1], 1)), np.cumsum(rows, axis=-1)], axis=-1)
    return np.asarray(total[..., ends] - total[..., starts])


def _maxima(curve: Array, best: int, guard: float) -> Array:
    """Indices of local maxima further than ``guard`` seconds from ``best``, ends included."""
    padded = np.pad(curve, 1, constant_values=-np.inf)
    far = np.abs(np.arange(len(curve)) - best) > round(guard * STEPS)
    return np.flatnonzero((curve >= padded[:-2]) & (curve >= padded[2:]) & far)


def peak(curve: Array) -> tuple[float, float]:
    """Best lag in seconds (refined by a parabola) and its margin over the best other local maximum."""
    best = int(curve.argmax())
    margin = float(curve[best] - curve[_maxima(curve, best, GUARD_SECONDS)].max(initial=-1.0))
    shift = 0.0
    if 0 < best < len(curve) - 1:
        left, middle, right = curve[best - 1 : best + 2]
        bend = left - 2 * middle + right
        shift = 0.5 * float(left - right) / float(bend) if bend < 0 else 0.0
    return (best + float(np.clip(shift, -0.5, 0.5)) - len(curve) // 2) / STEPS, margin


METRIC = AvOffset()
