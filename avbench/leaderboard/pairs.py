"""The difference of two results: of clips by shared prompts, of sets by shared jackknife groups."""

from __future__ import annotations

from avbench.report import Report, Result
from avbench.statistics import Difference, Jackknife, Scored, compare, set_difference
from avbench.statistics.paired import Better


def better_of(result: Result) -> Better:
    """Which direction of the value is better; the size of a signed score is better small."""
    return "higher" if result.better == "higher" else "lower"


def scores_of(result: Result) -> list[Scored]:
    """Each clip's score, or its size where ``better`` is ``zero``, with what it counts in the value."""
    values = result.sizes(result.scores)
    return [Scored(s.clip, s.cluster, value, s.weight, s.group) for s, value in zip(result.scores, values, strict=True)]


def between(first: Result, second: Result, level: float = 0.95, interval: bool = True) -> Difference | None:
    """First minus second.

    Args:
        level: of the interval.
        interval: whether the interval is wanted; without it only value and p mean something, in a tenth of the time.

    Returns:
        None where they share too few prompts, or one of them has no value or no jackknife.
    """
    if first.value is None or second.value is None:
        return None
    if first.kind == "clip":
        return compare(scores_of(first), scores_of(second), level, interval=interval)
    if not first.replicates or len(first.replicates) != len(second.replicates):
        return None
    return set_difference(Jackknife(first.value, first.replicates), Jackknife(second.value, second.replicates), level)


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
