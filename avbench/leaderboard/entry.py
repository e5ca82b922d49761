"""What a report must be before its numbers may enter a leaderboard file."""

from __future__ import annotations

from avbench.errors import NotComparable
from avbench.report import Report


def refusals(report: Report) -> list[str]:
    """Every reason why the report may not enter; an empty list admits it."""
    reasons = [
        f"{result.name} was made with stand-in networks, not with the official checkpoint."
        for result in report.metrics
        if not result.official
    ]
    if report.benchmark.limited_to_present:
        facts = report.benchmark
        reasons.append(f"It covers {facts.prompts} of {facts.prompts_in_benchmark} prompts, those whose clips existed.")
    for result in report.metrics:
        if result.n.failed:
            reasons.append(f"{result.name}: {result.n.failed} of {result.n.expected} clips are missing or failed.")
    without = [clip for clip, facts in report.clips.items() if not facts.get("sha256")]
    if without:
        reasons.append(f"{len(without)} clips have no digest: {', '.join(without[:3])}.")
    return reasons


def admit(report: Report) -> None:
    """Raises ``NotComparable`` with the first reasons where the report may not enter a leaderboard file."""
    reasons = refusals(report)
    if reasons:
        more = f" (and {len(reasons) - 3} more reasons)" if len(reasons) > 3 else ""
        raise NotComparable(f"The report of {report.model} cannot enter a leaderboard: {' '.join(reasons[:3])}{more}")
