"""Two reports, metric by metric: difference, interval, p, verdict, and the clips that moved most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from avbench.errors import NotComparable, UnknownName, UsageError
from avbench.leaderboard.pairs import better_of, between, mismatch, scores_of, unknown_because
from avbench.report import Report, Result
from avbench.statistics import Difference, equivalence, holm

MOVED = 3


@dataclass(frozen=True)
class Moved:
    """A clip whose score changed: first minus second, so much better for the first where ``gain`` is positive."""

    clip: str
    first: float
    second: float
    gain: float


@dataclass(frozen=True)
class Row:
    """One metric of two reports.

    ``difference`` is first minus second over shared prompts, None where nothing can be said; ``p`` is Holm's over all metrics
    compared. ``verdict`` is ``first``, ``second`` (significantly ahead), ``differs`` (significantly, but by how much of the margin
    stated is not shown), ``equivalent`` (within that margin), ``not shown`` (no difference was found, which is not proof of
    equality), ``descriptive`` (the metric has no direction, but differs or not) or ``unknown``. ``why`` explains the last, says
    that one is ahead by less than the margin, or that so few prompts could not have shown any difference.
    """

    first: Result
    second: Result
    difference: Difference | None
    p: float | None
    verdict: str
    moved: tuple[Moved, ...] = ()
    margin: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Comparison:
    """Rows in the order of the first report, and what only one of the two has."""

    first: Report
    second: Report
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def compare_reports(
    first: Report,
    second: Report,
    metrics: Sequence[str] | None = None,
    margins: Mapping[str, float] | None = None,
    level: float = 0.95,
) -> Comparison:
    """Compare two reports over the prompts that both answered.

    Args:
        metrics: names (``name`` or ``name@protocol``); None takes all that both reports have.
        margins: metric to the largest difference that does not matter, in its unit; tested by two one-sided tests.
        level: of the intervals; 1 - level is the chance of any falsely claimed difference over all metrics (Holm over their tests),
            and again that of any falsely claimed equivalence (Holm over the equivalence tests).

    Raises:
        UnknownName: a metric or margin that neither report has.
        UsageError: a margin that is not positive; a metric named that one report lacks; no metric in common; a clip twice in one.
        NotComparable: what must agree does not; the message names metric, field and both values.

    Example:
        >>> import avbench
        >>> first, second = (avbench.run(getfixture("toybox_folder"), metrics=["frozen"], store=None) for _ in range(2))
        >>> [(row.first.metric, row.difference.value, row.verdict) for row in compare_reports(first, second).rows]
        [('frozen', 0.0, 'not shown')]
    """
    shared = shared_results(first, second, metrics)
    limits = margins_of(margins or {}, [pair[0] for pair in shared])
    found = {a.name: between(a, b, level, family=len(shared)) for a, b in shared}
    there = {name: d for name, d in found.items() if d is not None}
    adjusted = dict(zip(there, holm([d.p for d in there.values()]), strict=True))
    bounded = {name: equivalence(d, limits[name], level).p for name, d in there.items() if name in limits}
    within = {name: p < 1 - level for name, p in zip(bounded, holm(list(bounded.values())), strict=True)}
    rows = []
    for a, b in shared:
        difference, p, margin = found[a.name], adjusted.get(a.name), limits.get(a.name)
        verdict, why = "unknown", ""
        if difference is None:
            why = unknown_because(a, b)
        elif p is not None:
            verdict, why = _verdict(a, difference, p < 1 - level, margin, within.get(a.name, False))
            if verdict == "not shown" and difference.least * len(there) >= 1 - level:
                why = f"{difference.clusters} prompts cannot show any over {len(there)} metrics"
        rows.append(Row(a, b, difference, p, verdict, moved(a, b)[:MOVED], margin, why))
    return Comparison(first, second, tuple(rows), tuple(_notes(first, second, metrics)))


def shared_results(first: Report, second: Report, metrics: Sequence[str] | None) -> list[tuple[Result, Result]]:
    """The pairs of results that both reports have; raises as ``compare_reports`` does."""
    ours, theirs = ({r.name: r for r in report.metrics} for report in (first, second))
    names = [name for name in ours if name in theirs]
    if metrics is not None:
        for wanted in metrics:
            have = [any(wanted in (name, name.partition("@")[0]) for name in side) for side in (ours, theirs)]
            if not any(have):
                raise UnknownName("metric of these reports", wanted, (*ours, *theirs))
            if not all(have):
                apart = _same_metric(first, second, [wanted])
                if apart:
                    raise NotComparable(apart)
                report, lacking = (first, second) if have[0] else (second, first)
                raise UsageError(f"Only {report.model} has {wanted}{because(lacking, wanted)}; run both with the same --metrics.")
        names = [name for name in names if {name, name.partition("@")[0]} & set(metrics)]
    if not names:
        apart = _same_metric(first, second, metrics)
        if apart:
            raise NotComparable(apart)
        raise UsageError(f"{first.model} and {second.model} have no such metric in common; run both with the same --metrics.")
    for name in names:
        wrong = mismatch((first, ours[name]), (second, theirs[name]))
        if wrong:
            raise NotComparable(
                f"{name} of {first.model} and {second.model} may not be compared: they differ in {'; '.join(wrong)}. Run both "
                "alike, or choose other --metrics."
            )
    return [(ours[name], theirs[name]) for name in names]


def _same_metric(first: Report, second: Report, metrics: Sequence[str] | None) -> str:
    """Which metric both have under different protocols; "" where there is none."""
    for a in first.metrics:
        for b in second.metrics:
            if a.metric == b.metric and a.protocol != b.protocol and (metrics is None or {a.metric, a.name, b.name} & set(metrics)):
                words = f"protocol ({a.protocol} and {b.protocol})"
                return f"{a.metric} of {first.model} and {second.model} may not be compared: they differ in {words}."
    return ""


def margins_of(margins: Mapping[str, float], results: Sequence[Result]) -> dict[str, float]:
    """Margins by full name; raises ``UnknownName`` or ``UsageError`` as ``compare_reports`` does."""
    found = {}
    for name, margin in margins.items():
        matches = [r.name for r in results if name in (r.name, r.metric)]
        if not matches:
            raise UnknownName("metric of both reports", name, [r.name for r in results])
        if not margin > 0:
            raise UsageError(f"The margin {margin:g} of {name} leaves nothing to test; give a positive number.")
        found.update(dict.fromkeys(matches, margin))
    return found


def _verdict(result: Result, difference: Difference, significant: bool, margin: float | None, within: bool) -> tuple[str, str]:
    """The verdict and what is to be said with it."""
    if significant and difference.value != 0:
        if result.better == "none":
            return "descriptive: differs", ""
        if margin is not None and not within and abs(difference.value) <= margin:
            return "differs", ""
        ahead = "first" if (difference.value > 0) == (better_of(result) == "higher") else "second"
        return ahead, "by less than the margin" if within else ""
    if within:
        return "equivalent", ""
    return "descriptive" if result.better == "none" else "not shown", ""


def because(report: Report, name: str) -> str:
    """`` (reason)`` where the report says why it lacks a metric, by its name with or without the protocol."""
    reasons = [reason for key, reason in report.unavailable.items() if name in (key, key.partition("@")[0])]
    return f" ({report.model}: {reasons[0].rstrip('.')})" if reasons else ""


def moved(a: Result, b: Result) -> tuple[Moved, ...]:
    """The clips whose scores differ, those that differ most first; a set has none."""
    theirs = {row.clip: row.value for row in scores_of(b)}
    sign = 1.0 if better_of(a) == "higher" else -1.0
    shared = [(row.clip, row.value, theirs[row.clip]) for row in scores_of(a) if row.clip in theirs]
    rows = [Moved(clip, ours, other, sign * (ours - other)) for clip, ours, other in shared]
    return tuple(sorted((row for row in rows if row.gain != 0), key=lambda row: (-abs(row.gain), row.clip)))


def _notes(first: Report, second: Report, metrics: Sequence[str] | None) -> list[str]:
    notes = []
    for report, other in ((first, second), (second, first)):
        theirs = {r.name for r in other.metrics}
        alone = [r.name for r in report.metrics if r.name not in theirs]
        if alone and metrics is None:
            notes.append(f"Only {report.model} has {', '.join(alone)}.")
        for result in report.metrics:
            if result.n.failed:
                notes.append(
                    f"{report.model}, {result.name}: {result.n.failed} of {result.n.expected} clips are missing or failed; the "
                    "comparison speaks of the others alone."
                )
    return notes
