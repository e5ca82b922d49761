"""Rows that did nothing of worth: a metric which they win must not be read alone."""

from __future__ import annotations

from collections.abc import Mapping

from avbench import catalog
from avbench.leaderboard.pairs import better_of
from avbench.report import Report, Result
from avbench.statistics import Difference

COPIES = 0.05  # share of clips in the reference set from which on the row is a copy of it
Differences = Mapping[tuple[str, str], Difference]


def role_of(report: Report) -> str:
    """``floor``, ``ceiling`` or ``model``: as recorded, else by the name of a model that is installed here.

    Clips of a floor that avbench did not make (or whose origin file was lost) are still a floor's under its name.
    """
    name = report.model.strip().lower().replace("-", "_").replace(" ", "_")
    if report.role == "model" and name in catalog.entries("model"):
        return str(catalog.load("model", name).role)
    return report.role


def copied(result: Result | None) -> int:
    """How many of a set's clips stand in its own reference set, where they are enough to make it a copy; else 0."""
    if result is None or result.kind != "set":
        return 0
    count = result.summaries.get("clips_in_reference", 0.0)
    return int(count) if count > COPIES * result.n.scored else 0


def wins(column: Result, differences: Differences, level: float) -> list[tuple[str, str, bool]]:
    """(better, worse, whether its own test tells them apart) of every pair whose values differ."""
    higher = better_of(column) == "higher"
    told = [(pair, d.value > 0, d.p < 1 - level) for pair, d in differences.items() if d.value != 0]
    return [(*(pair if positive == higher else pair[::-1]), sure) for pair, positive, sure in told]


def flag(
    column: Result, roles: Mapping[str, str], differences: Differences, reach: Mapping[tuple[str, str], float], level: float
) -> str:
    """Says which floors are ahead of which models, and how surely; "" where none is.

    Args:
        column: any result of it.
        roles: model to role.
        differences: of each pair.
        reach: the smallest p value that each pair's number of prompts allows.
        level: of the tests.
    """
    doubts = {True: "", False: ", not significantly"}
    beaten: dict[tuple[str, str], list[str]] = {}
    for winner, loser, sure in wins(column, differences, level):
        if roles[winner] == "floor" and roles[loser] != "floor":
            pair = (winner, loser) if (winner, loser) in reach else (loser, winner)
            few = not sure and reach[pair] >= 1 - level
            beaten.setdefault((winner, ", too few prompts to be sure" if few else doubts[sure]), []).append(loser)
    if not beaten:
        return ""
    words = "; ".join(f"{floor} is ahead of {', '.join(models)}{doubt}" for (floor, doubt), models in beaten.items())
    lead = "a trivial row wins" if any(not doubt for _, doubt in beaten) else "a trivial row may win"
    return f"{lead} ({words}); do not read this metric alone."
