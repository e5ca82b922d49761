"""What stands beside a set's distance or a total, from sub-samples: interval, replicates, value at infinite N, noise floor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from avbench.errors import Unscorable
from avbench.feature import Sample
from avbench.metric import SetMetric, Total
from avbench.report import Result
from avbench.statistics import Interval, Jackknife, extrapolate, group_of, jackknife, noise_floor
from avbench.statistics.sets import GROUPS

AGREEMENT = 0.01  # how far ``SetMetric.resampled`` of all clips may be from the score itself


@dataclass(frozen=True)
class Uncertainty:
    """Fields of a ``Result``, and in ``gaps`` what could not be had (``interval`` ...) with the reason."""

    interval: Interval | None = None
    replicates: tuple[float, ...] = ()
    summaries: Mapping[str, float] = field(default_factory=dict)
    gaps: Mapping[str, str] = field(default_factory=dict)


def uncertainty(
    metric: SetMetric, value: float, generated: Sequence[Sample], reference: Sequence[Sample], asked: Sequence[str]
) -> Uncertainty:
    """Sub-samples of generated clips against the whole reference; whole prompts are left out, never repeated.

    Costs 24 scores, and 3 more with a reference.

    Args:
        metric: whose distance it is.
        value: its score of all clips.
        generated: clips that entered it.
        reference: likewise; empty where the metric needs none.
        asked: clusters of all prompts, answered or not: they make the groups, which two models then share.
    """
    clusters = [_cluster(sample) for sample in generated]
    if len(set(clusters)) < GROUPS:
        return Uncertainty(gaps={"interval": f"clips of {len(set(clusters))} prompts are too few, {GROUPS} are needed"})

    def score(chosen: Sequence[int]) -> float:
        return _score(metric, [generated[i] for i in chosen], reference)

    found = Uncertainty()
    summaries: dict[str, float] = {}
    gaps: dict[str, str] = {}
    try:
        groups = group_of([*asked, *clusters])
        leave_out = _moved(jackknife(score, [groups[name] for name in clusters], GROUPS), value)
        found = Uncertainty(leave_out.interval(metric.card.range), leave_out.replicates)
    except Unscorable as error:
        gaps["interval"] = error.reason
    try:
        line = extrapolate(score, clusters)
        summaries |= {"at_infinite_n": line.value, "fit_r2": line.r2}
    except Unscorable as error:
        gaps["value at infinite N"] = error.reason
    if metric.needs_reference:
        _add_floor(metric, len(generated), reference, summaries, gaps)
    return replace(found, summaries=summaries, gaps=gaps)


def total_uncertainty(metric: Total, value: float, parts: Mapping[str, Result], asked: Sequence[str]) -> Uncertainty:
    """The same of a total: its parts without each group of prompts, put together anew.

    Args:
        metric: the total.
        value: its score of all clips.
        parts: those that ran, by name.
        asked: clusters of all prompts that were asked.
    """
    groups = group_of(asked)
    if len(set(groups.values())) < GROUPS:
        return Uncertainty(gaps={"interval": f"{len(set(asked))} prompts are too few, {GROUPS} are needed"})
    blind = [name for name, part in parts.items() if part.kind == "set" and part.value is not None and not part.replicates]
    if blind:
        return Uncertainty(gaps={"interval": f"its part {blind[0]} has none"})
    try:
        values = [{name: _without(parts.get(name), groups, left_out) for name in metric.parts} for left_out in range(GROUPS)]
        found = Jackknife(value, tuple(float(metric.score(row)) for row in values))
    except Unscorable as error:
        return Uncertainty(gaps={"interval": error.reason})
    return Uncertainty(found.interval(metric.card.range), found.replicates)


def _without(part: Result | None, groups: Mapping[str, int], left_out: int) -> float | None:
    """A part's value without the clips of one group; None where nothing is left or it has no value."""
    if part is None or part.value is None:
        return None
    if part.kind == "set":
        return part.replicates[left_out]
    kept = [score for score in part.scores if groups[score.cluster] != left_out]
    return part.mean(kept) if kept else None


def _add_floor(
    metric: SetMetric, generated: int, reference: Sequence[Sample], summaries: dict[str, float], gaps: dict[str, str]
) -> None:
    def score(first: Sequence[int], second: Sequence[int]) -> float:
        return _score(metric, [reference[i] for i in first], [reference[i] for i in second])

    try:
        floor, clips = noise_floor(score, generated, [_cluster(sample) for sample in reference])
        summaries |= {"noise_floor": floor, "noise_floor_clips": float(clips)}
    except Unscorable as error:
        gaps["noise floor"] = error.reason


def _score(metric: SetMetric, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
    """The metric's number of a sub-sample, held to what a run holds the whole to."""
    smaller = min(len(generated), len(reference)) if metric.needs_reference else len(generated)
    if smaller < metric.minimum:
        raise Unscorable(f"A sub-sample has {smaller} clips where a set needs {metric.minimum}.", "too_few")
    value = float(metric.resampled(generated, reference))
    low, high = metric.card.range
    if not (low <= value <= high and math.isfinite(value)):
        raise Unscorable(f"The distance of a sub-sample came out as {value}, outside its range [{low}, {high}].", "failed")
    return value


def _moved(found: Jackknife, value: float) -> Jackknife:
    """The replicates about the reported value, where ``resampled`` gives other last digits."""
    shift = value - found.value
    if abs(shift) > AGREEMENT * max(abs(value), abs(found.value)):
        raise Unscorable(f"The number {value:.6g} is not the exact distance, {found.value:.6g}: its rounding errors are too large.")
    return Jackknife(value, tuple(value if r == found.value else r + shift for r in found.replicates))


def _cluster(sample: Sample) -> str:
    return sample.prompt.cluster or sample.prompt.id


def gap_notes(gaps: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Sentences for a report, one per kind and reason, from metric to its gaps."""
    found: dict[tuple[str, str], list[str]] = {}
    for metric, kinds in gaps.items():
        for kind, reason in kinds.items():
            found.setdefault((kind, reason.rstrip(".")), []).append(metric)
    return [f"No {kind} for {', '.join(metrics)}: {reason}." for (kind, reason), metrics in found.items()]
