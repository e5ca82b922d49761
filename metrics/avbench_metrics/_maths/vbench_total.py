"""VBench's quality, semantic and total score of sixteen dimensions (repository Vchitect/VBench, 45e79ec; arXiv 2311.17982)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from avbench.errors import Unscorable

# dimension: (value that becomes 0, value that becomes 1, weight)
QUALITY = {
    "subject_consistency": (0.1462, 1.0, 1.0),
    "background_consistency": (0.2615, 1.0, 1.0),
    "temporal_flickering": (0.6293, 1.0, 1.0),
    "motion_smoothness": (0.706, 0.9975, 1.0),
    "aesthetic_quality": (0.0, 1.0, 1.0),
    "imaging_quality": (0.0, 1.0, 1.0),
    "dynamic_degree": (0.0, 1.0, 0.5),
}
SEMANTIC = {
    "object_class": (0.0, 1.0, 1.0),
    "multiple_objects": (0.0, 1.0, 1.0),
    "human_action": (0.0, 1.0, 1.0),
    "color": (0.0, 1.0, 1.0),
    "spatial_relationship": (0.0, 1.0, 1.0),
    "scene": (0.0, 0.8222, 1.0),
    "appearance_style": (0.0009, 0.2855, 1.0),
    "temporal_style": (0.0, 0.364, 1.0),
    "overall_consistency": (0.0, 0.364, 1.0),
}
DIMENSIONS = QUALITY | SEMANTIC


@dataclass(frozen=True)
class Total:
    """Weighted means of normalised dimensions; total is (4 quality + semantic) / 5. Higher is better."""

    quality: float
    semantic: float
    total: float


def normalised(dimension: str, score: float) -> float:
    """(score - low) / (high - low), not clipped: motion smoothness 0.9989 becomes 1.0048, and 0 becomes -2.4220.

    Raises:
        ValueError: no such dimension.
    """
    _check_names([dimension])
    low, high, _ = DIMENSIONS[dimension]
    return (score - low) / (high - low)


def official(scores: Mapping[str, float]) -> Total:
    """The leaderboard's sum, in which an absent dimension counts as 0 *before* normalisation and may thus be negative.

    Args:
        scores: raw scores from 0 to 1 by the names in ``DIMENSIONS``.

    Raises:
        ValueError: a name that is no dimension.
    """
    _check_names(scores)
    return _total({name: scores.get(name, 0.0) for name in DIMENSIONS})


def fixed(scores: Mapping[str, float], dimensions: Sequence[str] = tuple(DIMENSIONS)) -> Total:
    """The same sum over some dimensions, all of which must be there.

    Args:
        scores: as in ``official``.
        dimensions: at least one of quality and one of semantics; all sixteen unless said otherwise.

    Raises:
        Unscorable: ``missing`` or ``not_finite``.
        ValueError: a name that is no dimension.
    """
    _check_names(scores)
    _check_whole(scores, dimensions)
    return _total({name: scores[name] for name in dimensions})


def fixed_quality(scores: Mapping[str, float]) -> float:
    """The quality score alone, which needs its own seven dimensions; raises as ``fixed``."""
    return _part(scores, tuple(QUALITY), QUALITY)


def fixed_semantic(scores: Mapping[str, float], dimensions: Sequence[str] = tuple(SEMANTIC)) -> float:
    """The semantic score alone, of all nine dimensions or of some; raises as ``fixed``."""
    return _part(scores, dimensions, SEMANTIC)


def _part(scores: Mapping[str, float], dimensions: Sequence[str], group: Mapping[str, tuple[float, float, float]]) -> float:
    _check_names(scores)
    _check_whole(scores, dimensions)
    return _mean({name: scores[name] for name in dimensions}, group)


def _check_names(names: Sequence[str] | Mapping[str, float]) -> None:
    unknown = sorted(set(names) - set(DIMENSIONS))
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no dimension of VBench; known are {', '.join(DIMENSIONS)}.")


def _check_whole(scores: Mapping[str, float], group: Sequence[str]) -> None:
    absent = [name for name in group if name not in scores]
    if absent:
        raise Unscorable(f"No score for {', '.join(absent)}: the sum needs all {len(group)} dimensions.", "missing")
    broken = [name for name in group if not math.isfinite(scores[name])]
    if broken:
        raise Unscorable(f"{', '.join(broken)} is NaN or infinite.", "not_finite")


def _mean(scores: Mapping[str, float], group: Mapping[str, tuple[float, float, float]]) -> float:
    weights = {name: weight for name, (_, _, weight) in group.items() if name in scores}
    return sum(normalised(name, scores[name]) * weight for name, weight in weights.items()) / sum(weights.values())


def _total(scores: Mapping[str, float]) -> Total:
    quality, semantic = _mean(scores, QUALITY), _mean(scores, SEMANTIC)
    return Total(quality, semantic, (quality * 4 + semantic) / 5)
