"""The difference of two results: of clips by shared prompts, of sets by shared jackknife groups."""

from __future__ import annotations

import math
from collections import Counter

from avbench.errors import UsageError
from avbench.report import Report, Result
from avbench.statistics import Difference, Jackknife, Scored, compare, flips_for, set_difference
from avbench.statistics.paired import Better


def better_of(result: Result) -> Better:
    """Which direction of the value is better; the size of a signed score is better small."""
    return "higher" if result.better == "higher" else "lower"


def scores_of(result: Result) -> list[Scored]:
    """Each clip's score, or its size where ``better`` is ``zero``, with what it counts in the value.

    Raises:
        UsageError: a clip that stands there twice.
    """
    counts = Counter(s.clip for s in result.scores)
    twice = sorted(clip for clip, count in counts.items() if count > 1)
    if twice:
        raise UsageError(
            f"{result.name} has the clip {twice[0]!r} twice; a report holds a clip once, so make it anew with avbench run."
        )
    values = result.sizes(result.scores)
    return [Scored(s.clip, s.cluster, value, s.weight, s.group) for s, value in zip(result.scores, values, strict=True)]


def between(first: Result, second: Result, level: float = 0.95, interval: bool = True, *, family: int = 1) -> Difference | None:
    """First minus second.

    Args:
        level: of the interval.
        interval: whether the interval is wanted; without it only value and p mean something, in a tenth of the time.
        family: how many differences are judged together (columns, pairs of models), so that p is fine enough for Holm at ``level``.

    Returns:
        None where nothing can be said; ``unknown_because`` has the reason.

    Raises:
        UsageError: a clip that stands in one of them twice.
    """
    if first.value is None or second.value is None:
        return None
    if first.kind == "clip":
        return compare(scores_of(first), scores_of(second), level, interval=interval, flips=flips_for(family, level))
    if not first.replicates or len(first.replicates) != len(second.replicates):
        return None
    found = set_difference(Jackknife(first.value, first.replicates), Jackknife(second.value, second.replicates), level)
    return found if math.isfinite(found.value) and math.isfinite(found.error) else None


def unknown_because(first: Result, second: Result) -> str:
    """Why ``between`` says nothing."""
    for result in (first, second):
        if result.value is None:
            return result.reason or "no score"
    if first.kind != "clip":
        return "no jackknife stands in the reports; too few prompts, or made by an older avbench"
    shared = {s.cluster for s in first.scores} & {s.cluster for s in second.scores}
    if len(shared) < 2:
        return "fewer than two prompts have a score in both"
    if not all(
        math.isfinite(value) for r in (first, second) for value in (sum(r.sizes(r.scores)), sum(v * v for v in r.sizes(r.scores)))
    ):
        return "the scores are too large for their sum"
    return "a category has a single prompt, of which no spread can be seen"


def mismatch(first: tuple[Report, Result], second: tuple[Report, Result]) -> list[str]:
    """Every field that must agree before two values may be compared and does not, in words with both values."""
    (report, ours), (other, theirs) = first, second
    found = []

    def check(field: str, a: object, b: object) -> None:
        if a != b:
            found.append(f"{field} ({a} and {b})")

    check("benchmark", f"{report.benchmark.name} v{report.benchmark.version}", f"{other.benchmark.name} v{other.benchmark.version}")
    check("prompts", _prompts(report), _prompts(other))
    check("protocol", ours.protocol, theirs.protocol)
    check("reference set", ours.reference[:12] or "none", theirs.reference[:12] or "none")
    check("checkpoints", _weights(ours), _weights(theirs))
    check("libraries", _libraries(ours), _libraries(theirs))
    if not found:
        check("metric version, parameters or features", ours.identity[:12], theirs.identity[:12])
    return found


def _prompts(report: Report) -> str:
    return f"{report.benchmark.prompts} with digest {report.benchmark.prompts_sha256[:12]}"


def _weights(result: Result) -> str:
    return ", ".join(f"{w.name} {w.sha256[:12]}" for w in result.weights) or "none"


def _libraries(result: Result) -> str:
    return ", ".join(f"{name} {version}" for name, version in result.libraries.items()) or "none"
