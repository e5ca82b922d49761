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
from avbench_metrics._features.onset_strength import STEPS, OnsetStrength
from avbench_metrics._features.visual_change import VisualChange

CHANGE, ONSETS = VisualChange(), OnsetStrength()
LAG_SECONDS = 1.0
GUARD_SECONDS = 0.12  # two peaks closer than this are one


@dataclass(frozen=True)
class AvOffset(ClipMetric):
    """Lag at which change of the picture and of the sound agree best.

    Args:
        confidence: least height of the best peak over the second best, in standard deviations of the curve.
        edge_seconds: a peak further out than this may belong to a still greater offset.
    """

    confidence: float = 0.18
    edge_seconds: float = 0.95

    card: ClassVar[Card] = Card(
        title="AV offset",
        better="zero",
        unit="s",
        range=(-1.0, 1.0),
        formula="argmax over lag of the mean standardised Pearson correlation of seven pairs of cues; positive: sound late",
        source="avbench; cross-correlation of motion and onset strength, cf. Chung and Zisserman 2016 for the convention",
        protocol="picture: mean, top 5 %, its log, cell-normalised |luma difference| and |mean luma change| at 144 rows; sound: "
        "40-band log-mel flux, |d log energy|, rises of log energy; 100 Hz, lags up to 1 s",
        notes="Not applicable where the best lag hardly beats the second best, and where picture or sound is still. A signal "
        "method: it sees impacts and mouth movement, not meaning. Reported value: mean size; the signed mean stands beside.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (CHANGE, ONSETS)

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` where no lag stands out."""
        lag, confidence = self._estimate(sample)
        if confidence < self.confidence:
            raise Unscorable(
                f"No lag stands out: the best beats the second by {confidence:.3f}, under {self.confidence:g} deviations."
            )
        if abs(lag) > self.edge_seconds:
            raise Unscorable(f"The best lag, {lag:+.2f} s, lies at the edge of the search; the offset may be greater.")
        return lag

    def details(self, sample: Sample) -> Mapping[str, float]:
        """Confidence: the margin of the best lag over the second best."""
        return {"confidence": self._estimate(sample)[1]}

    def summaries(self, scores: Sequence[float], details: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
        """Share of clips within 45 ms (broadcast, ITU-R BT.1359 detectability) and within 125 ms."""
        size = np.abs(np.asarray(scores))
        return {"within_45_ms": float((size <= 0.045).mean()), "within_125_ms": float((size <= 0.125).mean())}

    def _estimate(self, sample: Sample) -> tuple[float, float]:
        change, strength = sample[CHANGE], sample[ONSETS]
        if float(change[2].max()) < 1.0:
            raise Unscorable("The picture does not move.")
        curve = correlation(change, strength)
        return peak(curve)


def correlation(change: Array, strength: Array) -> Array:
    """Mean standardised correlation of seven cue pairs by lag, float64 (201,), -1 to 1 s; lags with half the clip in overlap."""
    grid = np.arange(int(change[0, -1] * STEPS)) / STEPS
    rows = (change[1], change[2], np.log(change[2] + 0.5), np.abs(change[3]), change[4])
    mean, top, log_top, luma, cells = (np.interp(grid, change[0], row) for row in rows)
    flux, energy = strength
    slope = np.abs(np.gradient(ndimage.gaussian_filter1d(energy, np.sqrt(5.0))))
    rise = ndimage.gaussian_filter1d(np.maximum(np.gradient(energy), 0), 1)
    pairs = ((top, flux), (top, slope), (log_top, slope), (log_top, flux), (mean, rise), (luma, rise), (cells, rise))
    curves = [_by_lag(picture, sound) for picture, sound in pairs]
    return np.asarray(np.mean([(c - c.mean()) / max(float(c.std()), 1e-9) for c in curves], axis=0))


def _by_lag(picture: Array, sound: Array) -> Array:
    count = min(len(picture), len(sound))
    reach = round(LAG_SECONDS * STEPS)
    curve = np.zeros(2 * reach + 1)
    for index, lag in enumerate(range(-reach, reach + 1)):
        x = picture[max(0, -lag) : count - max(0, lag)]
        y = sound[max(0, lag) : count - max(0, -lag)]
        if len(x) < count / 2 or len(x) < 20:
            continue
        x, y = x - x.mean(), y - y.mean()
        power = float(x @ x) * float(y @ y)
        curve[index] = float(x @ y) / np.sqrt(power) if power > 1e-12 else 0.0
    return curve


def peak(curve: Array) -> tuple[float, float]:
    """Best lag in seconds (refined by a parabola) and its margin over the best other local maximum, or over 0."""
    best = int(curve.argmax())
    guard = round(GUARD_SECONDS * STEPS)
    inner = np.arange(1, len(curve) - 1)
    others = inner[(curve[inner] >= curve[inner - 1]) & (curve[inner] >= curve[inner + 1]) & (np.abs(inner - best) > guard)]
    margin = float(curve[best] - max([0.0, *curve[others].tolist()]))
    shift = 0.0
    if 0 < best < len(curve) - 1:
        left, middle, right = curve[best - 1 : best + 2]
        bend = left - 2 * middle + right
        shift = 0.5 * float(left - right) / float(bend) if bend < 0 else 0.0
    return (best + float(np.clip(shift, -0.5, 0.5)) - len(curve) // 2) / STEPS, margin


METRIC = AvOffset()
