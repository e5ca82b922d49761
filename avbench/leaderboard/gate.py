"""May the new clips replace the old ones? Non-inferiority, metric by metric, for continuous integration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from avbench.leaderboard.compare import MOVED, Moved, margins_of, moved, shared_results
from avbench.leaderboard.pairs import better_of, between
from avbench.report import Report, Result
from avbench.statistics import Difference, clips_needed, compare, holm, non_inferiority
from avbench.statistics.intervals import student_quantile
from avbench.statistics.power import Design

LEVEL = 0.99

Answer = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class Check:
    """One metric of the gate.

    ``difference`` is new minus old; ``seen`` the loss that these prompts could have shown (power 80 %); ``margin`` the loss that
    was stated to be acceptable, None where any significant loss fails. ``reason`` says in words how the answer came about.
    """

    name: str
    answer: Answer
    reason: str
    old: Result
    new: Result
    difference: Difference | None = None
    p: float | None = None
    margin: float | None = None
    seen: float | None = None
    worst: tuple[Moved, ...] = ()


@dataclass(frozen=True)
class Gate:
    """The outcome: ``fail`` where one check fails, else ``inconclusive`` where one is, else ``pass``."""

    new: Report
    old: Report
    checks: tuple[Check, ...]
    level: float

    @property
    def answer(self) -> Answer:
        """Of all checks together."""
        answers = [check.answer for check in self.checks]
        return "fail" if "fail" in answers else "inconclusive" if "inconclusive" in answers else "pass"


def gate(
    new: Report,
    old: Report,
    margins: Mapping[str, float] | None = None,
    metrics: Sequence[str] | None = None,
    level: float = LEVEL,
) -> Gate:
    """Judge a new report against an old one.

    A metric without a stated margin fails where the new clips are significantly worse (Holm over all such metrics, so that two runs
    of one generator pass with probability ``level`` or more). With a margin it passes where the loss is shown to be smaller
    (one-sided t test), fails where the clips are significantly worse and that is not shown, and is inconclusive in between; a
    margin below the noise of these prompts can show nothing and is inconclusive. Missing and failed clips of the new report count
    as the worst score there is; where scores have no bounds they make the metric inconclusive. That fewer clips can be answered at
    all (speech that is no longer there) is a check of its own.

    Args:
        margins: metric to the acceptable loss, in its unit.
        metrics: names to check; None takes all that both reports have and that have a direction.
        level: 1 - level is the chance of a false alarm over all metrics.

    Raises:
        UnknownName, UsageError, NotComparable: as ``compare_reports``.
    """
    pairs = [(a, b) for a, b in shared_results(new, old, metrics) if a.better != "none"]
    limits = margins_of(margins or {}, [a for a, _ in pairs])
    judged = [(a.at_worst(), b) for a, b in pairs]
    names = [a.name for a, _ in pairs]
    found = [between(a, b, level, interval=False) for a, b in judged]
    coverage = [_coverage(a, b) for a, b in pairs]
    family = [d for d, name in zip(found, names, strict=True) if d is not None and name not in limits]
    family += [d for d in coverage if d is not None]
    adjusted = dict(zip(map(id, family), holm([d.p for d in family]), strict=True))
    checks = []
    for (a, b), difference in zip(judged, found, strict=True):
        p = adjusted.get(id(difference)) if difference is not None else None
        check = _check(a, b, difference, p, limits.get(a.name), level)
        losses = [clip for clip in moved(a, b) if clip.gain < 0][:MOVED]
        checks.append(replace(check, worst=tuple(losses) if check.answer != "pass" else ()))
    for (a, b), difference in zip(pairs, coverage, strict=True):
        if difference is not None and adjusted[id(difference)] < 1 - level and difference.value < 0:
            words = f"only {a.n.scored} of {a.n.expected} clips can be answered, {b.n.scored} of {b.n.expected} before"
            checks.append(Check(f"{a.name} (coverage)", "fail", words, b, a, difference, adjusted[id(difference)]))
    return Gate(new, old, tuple(checks), level)


def _check(new: Result, old: Result, difference: Difference | None, p: float | None, margin: float | None, level: float) -> Check:
    def answer(answer: Answer, reason: str, seen: float | None = None) -> Check:
        return Check(new.name, answer, reason, old, new, difference, p, margin, seen)

    if new.n.failed:
        return answer(
            "inconclusive", f"{new.n.failed} of {new.n.expected} new clips are missing or failed, and scores have no bounds"
        )
    if new.value is None and old.value is not None:
        return answer("fail", f"the old clips have a value, the new ones have none: {new.reason}")
    if old.value is None:
        return answer("inconclusive", f"the old clips have no value: {old.reason}")
    if difference is None:
        return answer("inconclusive", "fewer than two shared prompts, or no jackknife in the reports")
    loss = -difference.value if better_of(new) == "higher" else difference.value
    noise = student_quantile(level, difference.degrees) * difference.error
    seen = (student_quantile(0.5 + level / 2, difference.degrees) + student_quantile(0.8, difference.degrees)) * difference.error
    if margin is None:
        assert p is not None
        worse = p < 1 - level and loss > 0
        return answer("fail", f"significantly worse (p = {p:.2g} after Holm)", seen) if worse else answer(
            "pass", "no significant loss", seen)  # fmt: skip
    if margin < noise:
        return answer("inconclusive", f"a margin of {margin:.3g} is below the noise of {difference.clusters} prompts "
                      f"({noise:.3g}); {_more(difference, margin, level)}", seen)  # fmt: skip
    verdict = non_inferiority(difference, margin, better_of(new), level)
    if verdict.answer == "yes":
        return answer("pass", f"a loss of {margin:.3g} is ruled out (p = {verdict.p:.2g})", seen)
    significant = difference.p < 1 - level and loss > 0
    if significant or verdict.answer == "no":
        return answer("fail", f"significantly worse, and a loss of {margin:.3g} is not ruled out (p = {verdict.p:.2g})", seen)
    return answer("inconclusive", f"a loss of {margin:.3g} is neither shown nor ruled out (p = {verdict.p:.2g})", seen)


def _more(difference: Difference, margin: float, level: float) -> str:
    deviation = difference.error * difference.clusters**0.5
    if deviation <= 0:
        return "raise it"
    return f"raise it, or judge about {clips_needed(Design(deviation, level=level), margin)} prompts"


def _coverage(new: Result, old: Result) -> Difference | None:
    """New minus old share of clips that can be answered at all, by prompt; None for sets, or where nothing changed."""
    if new.kind != "clip":
        return None
    ours, theirs = _answered(new), _answered(old)
    return None if sorted(ours) == sorted(theirs) else compare(ours, theirs, interval=False)


def _answered(result: Result) -> list[tuple[str, str, float]]:
    there = [(score.clip, score.cluster, 1.0) for score in result.scores]
    gaps = [gap for gap in result.missing if gap.kind == "not_applicable"]  # broken clips have the worst score already
    return [*there, *((gap.clip, gap.cluster or gap.clip, 0.0) for gap in gaps)]
