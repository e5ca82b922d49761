"""Verse-Bench's overall score of twelve metrics (repository Dorniwang/Verse-Bench, 5645a09)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from avbench.errors import Unscorable

# metric: (best, worst)
BOUNDS = {
    "AS": (1.0, 0.0), "ID": (1.0, 0.0), "FD": (0.0, 3.0), "KL": (0.0, 4.0), "CS": (1.0, 0.0), "CE": (10.0, 1.0), "CU": (10.0, 1.0),
    "PC": (1.0, 10.0), "PQ": (10.0, 1.0), "WER": (0.0, 1.0), "LSE-C": (10.0, 0.0), "AV-A": (0.0, 1.0),
}  # fmt: skip
AUDIO = ("FD", "KL", "CS", "CE", "CU", "PC", "PQ")
MISSING = -999.0  # what the official code writes where nothing was scored


@dataclass(frozen=True)
class Overall:
    """Four partial scores and their weighted sum (0.5, 0.2, 0.2, 0.1), each from 0 to 1, higher is better."""

    joint: float
    video: float
    audio: float
    other: float
    overall: float


def official(metrics: Mapping[str, float]) -> Overall:
    """The published sum, with its faults.

    An absent metric counts as -999, which is the *best* value of those where lower is better, and NaN counts as the best of any:
    with nothing scored the sum is 0.1357. A negative AV-A (a signed mean) also counts as best. For comparing with published
    figures only.

    Args:
        metrics: by the names in ``BOUNDS``, in the official units.

    Raises:
        ValueError: a name that is not in ``BOUNDS``.
    """
    _check_names(metrics)
    return _weighted({name: _normalised(name, metrics.get(name, MISSING)) for name in BOUNDS})


def fixed(metrics: Mapping[str, float]) -> Overall:
    """The same sum where all twelve metrics are there.

    Raises:
        Unscorable: ``missing`` (a metric is absent or -999) or ``not_finite``.
        ValueError: a name that is not in ``BOUNDS``, or an AV-A below 0, i.e. a mean of signed offsets: take their sizes.
    """
    _check_names(metrics)
    absent = [name for name in BOUNDS if metrics.get(name, MISSING) == MISSING]
    if absent:
        raise Unscorable(f"No score for {', '.join(absent)}: the overall score needs all {len(BOUNDS)}.", "missing")
    broken = [name for name in BOUNDS if not math.isfinite(metrics[name])]
    if broken:
        raise Unscorable(f"{', '.join(broken)} is NaN or infinite.", "not_finite")
    if metrics["AV-A"] < 0:
        raise ValueError(f"AV-A is {metrics['AV-A']}; it must be a mean of sizes, as early and late would cancel.")
    return _weighted({name: _normalised(name, metrics[name]) for name in BOUNDS})


def _check_names(metrics: Mapping[str, float]) -> None:
    unknown = sorted(set(metrics) - set(BOUNDS))
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no metric of Verse-Bench; known are {', '.join(BOUNDS)}.")


def _normalised(name: str, value: float) -> float:
    """0 at the worst, 1 at the best, clipped; min(1, NaN) is 1 in Python, so NaN becomes 1."""
    best, worst = BOUNDS[name]
    share = (value - worst) / (best - worst) if best > worst else (worst - value) / (worst - best)
    return max(0.0, min(1.0, share))


def _weighted(share: Mapping[str, float]) -> Overall:
    content, sync = share["CS"], share["AV-A"]
    joint = 2 * (content * sync) / (content + sync) if content + sync else 0.0  # harmonic mean
    video = (share["AS"] + share["ID"]) / 2
    audio = sum(share[name] for name in AUDIO) / len(AUDIO)
    other = (share["WER"] + share["LSE-C"]) / 2
    return Overall(joint, video, audio, other, 0.5 * joint + 0.2 * video + 0.2 * audio + 0.1 * other)
