"""May the new clips replace the old ones? Non-inferiority, metric by metric, for continuous integration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from avbench.leaderboard.compare import MOVED, Moved, because, margins_of, moved, shared_results
from avbench.leaderboard.pairs import better_of, between, scores_of, unknown_because
from avbench.report import Report, Result
from avbench.statistics import Difference, clips_needed, compare, flips_for, holm, non_inferiority
from avbench.statistics.intervals import student_quantile
from avbench.statistics.power import Design

LEVEL = 0.99
LOST = 0.25  # share of the clips answered before whose loss needs no test
NAMED = 20

Answer = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class Check:
    """One metric of the gate.

    ``difference`` is new minus old; ``seen`` the loss that these prompts could have shown (power 80 %) beside all other checks,
    infinite where they are too few for any; ``margin`` the loss that was stated to be acceptable, None where any significant loss
    fails. ``reason`` says in words how the answer came about. ``new`` is None where the new report lacks the metric; ``imputed`` of
    its clips are missing or failed and have the worst score there is.
    """

    name: str
    answer: Answer
    reason: str
    old: Result
    new: Result | None
    difference: Difference | None = None
    p: float | None = None
    margin: float | None = None
    seen: float | None = None
    worst: tuple[Moved, ...] = ()
    imputed: int = 0


@dataclass(frozen=True)
class Gate:
    """The outcome: ``fail`` where one check fails, else ``inconclusive`` where one is, else ``pass``; ``notes`` name lost clips."""

    new: Report
    old: Report
    checks: tuple[Check, ...]
    level: float
    notes: tuple[str, ...] = ()

    @property
    def answer(self) -> Answer:
        """Of all checks together."""
        answers = [check.answer for check in self.checks]
        return "fail" if "fail" in answers else "inconclusive" if "inconclusive" in answers else "pass"


class _Test(NamedTuple):
    """A difference, its p after Holm, and over how many tests."""

    difference: Difference
    p: float
    family: int

    def can_show(self, level: float) -> bool:
        return self.difference.least * self.family < 1 - level

    def seen(self, level: float) -> float:
        """The loss found with power 80 % by the test that Holm judges most strictly."""
        if not self.can_show(level):
            return math.inf
        degrees, strict = self.difference.degrees, 1 - (1 - level) / self.family
        return (student_quantile(0.5 + strict / 2, degrees) + student_quantile(0.8, degrees)) * self.difference.error


def gate(
    new: Report,
    old: Report,
    margins: Mapping[str, float] | None = None,
    metrics: Sequence[str] | None = None,
    level: float = LEVEL,
) -> Gate:
    """Judge a new report against an old one.

    A metric without a stated margin fails where the new clips are significantly worse (Holm over all checks, so that two runs
    of one generator do not fail with probability ``level`` or more). It passes where no clip is worse, or where these prompts could
    have shown a loss and did not; too few prompts for any significance, or a loss beyond what they could have shown that is not
    significant, are inconclusive. With a margin it passes where the loss is shown to be smaller (one-sided t test), fails where the
    clips are significantly worse and that is not shown, and is inconclusive in between; a margin below the noise of these prompts
    can show nothing and is inconclusive. Missing and failed clips of the new report count as the worst score there is; where scores
    have no bounds they make the metric inconclusive. A metric that the new report lacks fails. That fewer clips can be answered at
    all (speech that is no longer there) is a check of its own, which also fails where more than a quarter of them are lost.

    Args:
        margins: metric to the acceptable loss, in its unit.
        metrics: names to check; None takes all that the old report has and that have a direction.
        level: 1 - level is the chance of a false alarm over all metrics.

    Raises:
        UnknownName, UsageError, NotComparable: as ``compare_reports``.
    """
    pairs = [(a, b) for a, b in shared_results(new, old, metrics) if a.better != "none"]
    limits = margins_of(margins or {}, [a for a, _ in pairs])
    judged = [(a.at_worst(), b) for a, b in pairs]
    most = 2 * len(pairs)
    found = {a.name: between(a, b, level, interval=False, family=most) for a, b in judged}
    covered = {_coverage_name(a): _coverage(a, b, flips_for(most, level)) for a, b in pairs}
    tests = _tests({**found, **covered})
    checks = []
    for (a, b), (whole, _) in zip(judged, pairs, strict=True):
        check = _check(a, b, tests.get(a.name), limits.get(a.name), level)
        losses = [clip for clip in moved(a, b) if clip.gain < 0][:MOVED]
        imputed = whole.n.failed - a.n.failed
        checks.append(replace(check, worst=tuple(losses) if check.answer != "pass" else (), imputed=imputed))
    checks += [_lacking(new, result) for result in _dropped(new, old, metrics)]
    checks += [c for a, b in pairs if (c := _coverage_check(a, b, tests.get(_coverage_name(a)), level)) is not None]
    return Gate(new, old, tuple(checks), level, tuple(_notes(new, old, pairs, metrics is None)))


def _tests(found: Mapping[str, Difference | None]) -> dict[str, _Test]:
    there = {name: difference for name, difference in found.items() if difference is not None}
    adjusted = holm([difference.p for difference in there.values()])
    return {name: _Test(there[name], p, len(there)) for name, p in zip(there, adjusted, strict=True)}


def _check(new: Result, old: Result, test: _Test | None, margin: float | None, level: float) -> Check:
    seen = test.seen(level) if test else None

    def answer(answer: Answer, reason: str) -> Check:
        return Check(new.name, answer, reason, old, new, test and test.difference, test and test.p, margin, seen)

    if new.n.failed:
        return answer(
            "inconclusive", f"{new.n.failed} of {new.n.expected} new clips are missing or failed, and scores have no bounds"
        )
    if new.value is None and old.value is not None:
        return answer("fail", f"the old clips have a value, the new ones have none: {new.reason}")
    if old.value is None:
        return answer("inconclusive", f"the old clips have no value: {old.reason}")
    if _never_worse(new, old) and (test is None or _loss(new, test) <= 0):
        return answer("pass", "no clip is worse" if new.kind == "clip" else "the same value")
    if test is None:
        return answer("inconclusive", unknown_because(new, old))
    return answer(*(_judged(new, test, level) if margin is None else _within(new, test, margin, level)))


def _judged(new: Result, test: _Test, level: float) -> tuple[Answer, str]:
    """Without a margin."""
    loss, seen, clusters = _loss(new, test), test.seen(level), test.difference.clusters
    if loss > 0 and test.p < 1 - level:
        return "fail", f"significantly worse (p = {test.p:.2g} after Holm)"
    if not test.can_show(level):
        return "inconclusive", f"{clusters} prompts cannot show any loss over {test.family} tests at level {level:g}"
    if loss > seen:
        return (
            "inconclusive",
            f"a loss of {loss:.3g}, which {clusters} prompts should have shown, is not significant (p = {test.p:.2g})",
        )
    return "pass", "no significant loss"


def _within(new: Result, test: _Test, margin: float, level: float) -> tuple[Answer, str]:
    """With a margin."""
    difference = test.difference
    noise = student_quantile(level, difference.degrees) * difference.error
    if margin < noise:
        return "inconclusive", (f"a margin of {margin:.3g} is below the noise of {difference.clusters} prompts ({noise:.3g}); "
                                f"{_more(difference, margin, level)}")  # fmt: skip
    verdict = non_inferiority(difference, margin, better_of(new), level)
    if verdict.answer == "yes":
        return "pass", f"a loss of {margin:.3g} is ruled out (p = {verdict.p:.2g})"
    if verdict.answer == "no" or (test.p < 1 - level and _loss(new, test) > 0):
        return "fail", f"significantly worse, and a loss of {margin:.3g} is not ruled out (p = {verdict.p:.2g})"
    return "inconclusive", f"a loss of {margin:.3g} is neither shown nor ruled out (p = {verdict.p:.2g})"


def _loss(new: Result, test: _Test) -> float:
    return -test.difference.value if better_of(new) == "higher" else test.difference.value


def _never_worse(new: Result, old: Result) -> bool:
    """Whether every clip of old that the metric still answers scores as well or better; for sets, whether the value is the same."""
    if new.kind != "clip":
        return new.value == old.value
    there = {row.clip for row in scores_of(new)}
    asked = {row.clip for row in scores_of(old)} - {gap.clip for gap in new.missing if gap.kind == "not_applicable"}
    return bool(asked) and asked <= there and all(clip.gain >= 0 for clip in moved(new, old))


def _more(difference: Difference, margin: float, level: float) -> str:
    deviation = difference.error * difference.clusters**0.5
    return f"raise it, or judge about {clips_needed(Design(deviation, level=level), margin)} prompts"


def _dropped(new: Report, old: Report, metrics: Sequence[str] | None) -> list[Result]:
    """Results of the old report that were asked for, have a direction, and are not in the new one."""
    there = {result.name for result in new.metrics}
    wanted = [r for r in old.metrics if metrics is None or {r.name, r.metric} & set(metrics)]
    return [result for result in wanted if result.name not in there and result.better != "none"]


def _lacking(new: Report, old: Result) -> Check:
    return Check(old.name, "fail", f"the new report lacks it{because(new, old.name)}", old, None)


def _coverage_name(result: Result) -> str:
    return f"{result.name} (coverage)"


def _coverage(new: Result, old: Result, flips: int) -> Difference | None:
    """New minus old share of clips that can be answered at all, by prompt; None for sets, or where nothing changed."""
    if new.kind != "clip":
        return None
    ours, theirs = _answered(new), _answered(old)
    return None if sorted(ours) == sorted(theirs) else compare(ours, theirs, interval=False, flips=flips)


def _coverage_check(new: Result, old: Result, test: _Test | None, level: float) -> Check | None:
    """None where no fewer can be answered than before, or so few less that luck may be the reason."""
    ours, theirs = ([share for _, _, share in _answered(result)] for result in (new, old))
    if new.kind != "clip" or not ours or not any(theirs):
        return None
    before, now = sum(theirs) / len(theirs), sum(ours) / len(ours)
    if now >= before:
        return None
    words = f"only {new.n.scored} of {new.n.expected} clips can be answered, {old.n.scored} of {old.n.expected} before"
    if 1 - now / before > LOST or (test is not None and test.p < 1 - level):
        answer: Answer = "fail"
    elif test is None or not test.can_show(level):
        answer, words = "inconclusive", f"{words}; too few prompts to tell whether that is luck"
    else:
        return None
    return Check(
        _coverage_name(new), answer, words, old, new, test and test.difference, test and test.p, seen=test and test.seen(level)
    )


def _answered(result: Result) -> list[tuple[str, str, float]]:
    there = [(score.clip, score.cluster, 1.0) for score in result.scores]
    gaps = [gap for gap in result.missing if gap.kind == "not_applicable"]  # broken clips have the worst score already
    return [*there, *((gap.clip, gap.cluster or gap.clip, 0.0) for gap in gaps)]


def _notes(new: Report, old: Report, pairs: Sequence[tuple[Result, Result]], everything: bool) -> list[str]:
    """Clips that are missing or failed, by name, and, of everything, metrics that only one report has and nothing judges."""
    notes = []
    for side, report, words in ((0, new, "count as the worst score there is"), (1, old, "are left out")):
        gaps = {gap.clip: gap for pair in pairs for gap in pair[side].missing if gap.kind != "not_applicable"}
        if gaps:
            named = [f"{clip} ({gap.kind}: {gap.reason.rstrip('.')})" for clip, gap in sorted(gaps.items())[:NAMED]]
            more = f" and {len(gaps) - NAMED} more" if len(gaps) > NAMED else ""
            notes.append(f"{len(gaps)} clips of {report.model} are missing or failed and {words}: {', '.join(named)}{more}.")
    ours, theirs = ({r.name for r in report.metrics} for report in (new, old))
    added = [r.name for r in new.metrics if r.name not in theirs]
    unjudged = [r.name for r in old.metrics if r.name not in ours and r.better == "none"]
    if added and everything:
        notes.append(f"Only {new.model} has {', '.join(added)}; nothing stands against it.")
    if unjudged and everything:
        notes.append(f"{new.model} lacks {', '.join(unjudged)}, where neither direction is better.")
    return notes
