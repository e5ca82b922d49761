"""What a report says of itself twice must agree: N and its lists, a clip and its one score, scores and their bounds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from avbench.report import Report, Result


def check(report: Report) -> None:
    """Raises ``ValueError`` that names the first field which contradicts another one."""
    for place, result in enumerate(report.metrics):
        if reason := contradiction(result):
            raise ValueError(f"metrics[{place}] ({result.name}).{reason}")
    if twice := _twice(result.name for result in report.metrics):
        raise ValueError(f"metrics holds {twice} twice")


def contradiction(result: Result) -> str:
    """The field that contradicts another one, and how; "" where all agrees."""
    n = result.n
    if min(vars(n).values()) < 0 or n.expected != n.scored + n.failed + n.not_applicable:
        return f"n.expected is {n.expected}, not the sum of {n.scored} scored, {n.failed} failed, {n.not_applicable} not applicable"
    if result.kind == "total":  # takes its N from its weakest part and lists no clip
        return ""
    skipped = sum(gap.kind == "not_applicable" for gap in result.missing)
    if len(result.missing) - skipped != n.failed or skipped != n.not_applicable:
        return (f"missing lists {len(result.missing) - skipped} failed and {skipped} not applicable clips, n says {n.failed} and "
                f"{n.not_applicable}")  # fmt: skip
    if result.kind == "clip" and len(result.scores) != n.scored:
        return f"scores has {len(result.scores)} clips, n.scored is {n.scored}"
    if result.kind == "clip" and (result.value is None) != (not result.scores):
        return f"value is {result.value} with {len(result.scores)} scores"
    if twice := _twice([*(s.clip for s in result.scores), *(gap.clip for gap in result.missing)]):
        return f"scores and missing hold the clip {twice} twice"
    return _improper(result)


def _improper(result: Result) -> str:
    """A score that no clip can have, or scores whose squares no longer add up."""
    low, high = result.bounds or (-math.inf, math.inf)
    for score, size in zip(result.scores, result.sizes(result.scores), strict=True):
        if not low <= size <= high:
            return f"scores: {score.clip} has {score.value}, outside the bounds {low} ... {high}"
        if not (math.isfinite(score.weight) and score.weight >= 0):
            return f"scores: {score.clip} has the weight {score.weight}"
    with_sums = [s.weight * s.weight * s.value * s.value for s in result.scores] + [s.value * s.value for s in result.scores]
    if not math.isfinite(sum(with_sums)):
        return "scores are too large to be added up"
    return ""


def _twice(names: Iterable[str]) -> str:
    return next((name for name, count in Counter(names).items() if count > 1), "")
