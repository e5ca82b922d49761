"""The models of one column against each other: paired tests, ranks, and who may not be ranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from avbench.leaderboard.answered import filled, short_of, too_short
from avbench.leaderboard.floors import copied, wins
from avbench.leaderboard.pairs import better_of, between
from avbench.report import Result
from avbench.statistics import Difference, rank_ranges

LEVEL = 0.95
Pair = tuple[str, str]

Incomplete = Literal["unranked", "worst"]


@dataclass(frozen=True)
class Cell:
    """One model under one column.

    ``ranks`` are the lowest and highest rank that the row may hold, None where the metric has no direction or the row may not be
    ranked; ``group`` is 1 for the best group (those that nobody is significantly ahead of), 2 for the next, 0 for the rest.
    ``why`` says in words why a cell of a ranked column has no rank, ``notes`` what its rank counted as worst. ``worst`` is how many
    missing or failed clips the value itself counts as worst.
    """

    result: Result | None
    ranks: tuple[int, int] | None = None
    group: int = 0
    why: str = ""
    notes: tuple[str, ...] = ()
    worst: int = 0

    @property
    def count(self) -> str:
        """``N``, or ``scored/expected`` where they differ, with the clips that were counted as worst."""
        if self.result is None:
            return "0"
        n = self.result.n
        if self.worst:
            return f"{n.scored - self.worst}/{n.expected}, {self.worst} counted as worst"
        return str(n.scored) if n.scored == n.expected else f"{n.scored}/{n.expected}"


class Contest:
    """One column: every pair's difference, and what follows for the ranks.

    ``differences`` are of all pairs with values, for flags too; ``smallest`` is the smallest p value that each could have.
    """

    def __init__(self, column: Result, judged: Mapping[str, Result | None]) -> None:
        self.column, self.judged = column, judged
        self.reasons = {model: _unranked(result) for model, result in judged.items()}
        self.there = {m: r for m, r in judged.items() if r is not None and r.value is not None and r.official}
        self.differences: dict[Pair, Difference] = {}
        if column.better != "none":
            pairs = {pair: self._between(*pair) for pair in combinations(self.there, 2)}
            self.differences = {pair: difference for pair, difference in pairs.items() if difference is not None}
        self.smallest = {pair: difference.least for pair, difference in self.differences.items()}
        self._refuse_copies()
        self._refuse_thin_rows()
        self.ranked = [model for model in judged if not self.reasons[model]]
        self.among = {pair: d for pair, d in self.differences.items() if set(pair) <= set(self.ranked)}

    def _between(self, first: str, second: str) -> Difference | None:
        """Over the prompts that one of two ranked rows answered; else (for flags) over those that both answered."""
        a, b = self.there[first], self.there[second]
        if a.kind == "clip" and not self.reasons[first] and not self.reasons[second]:
            a, b = filled(a, b), filled(b, a)
        return between(a, b, LEVEL, interval=False, family=len(self.there) * (len(self.there) - 1) // 2)

    def _refuse_copies(self) -> None:
        for model, result in self.there.items():
            if count := copied(result):
                self.reasons[model] = self.reasons[model] or f"{count} of its {result.n.scored} clips are in the reference set"

    def _refuse_thin_rows(self) -> None:
        """Where no worst score is known, answering little must not win: see ``rank``."""
        ranked = [model for model in self.there if not self.reasons[model]]
        ahead = {(winner, loser) for winner, loser, sure in wins(self.column, self.differences, LEVEL) if sure}
        thin = {}
        for model in ranked:
            result = self.there[model]
            full = [m for m in ranked if too_short(result, self.there[m])]
            if not all((other, model) in ahead for other in full):
                most = max(full, key=lambda m: short_of(result, self.there[m]))
                what = "prompts" if result.kind == "clip" else "clips"
                thin[model] = f"did not answer {short_of(result, self.there[most])} {what} that {most} answered"
        self.reasons |= thin

    @property
    def mute(self) -> bool:
        """Whether no difference, however great, could be significant: too few prompts for so many pairs."""
        least = min((self.smallest[pair] for pair in self.among), default=0.0)
        return least * len(self.among) >= 1 - LEVEL

    @property
    def notes(self) -> list[str]:
        """What a reader of the column must know of its tests."""
        if not self.mute:
            return []
        clusters = max(difference.clusters for difference in self.among.values())
        least = min(1.0, min(self.smallest[pair] for pair in self.among) * len(self.among))
        return [f"{self.column.name}: {clusters} prompts cannot tell {len(self.ranked)} models apart (the smallest p value after "
                f"Holm is {least:.2g}); nobody is best."]  # fmt: skip

    def cells(self, found: Mapping[str, Result | None]) -> dict[str, Cell]:
        """Each model's cell; ``found`` are the results before the policy on missing clips."""
        lost = {m: r.n.failed - now.n.failed for m, r in found.items() if r is not None and (now := self.judged[m]) is not None}
        if self.column.better == "none":
            return {model: Cell(result) for model, result in self.judged.items()}
        ranges = rank_ranges(self.ranked, self.among, better_of(self.column), LEVEL)
        starts = sorted({low for low, _ in ranges.values()})
        groups = {model: 0 if self.mute else starts.index(low) + 1 for model, (low, _) in ranges.items()}
        made = {}
        for model, result in self.judged.items():
            worst, why = lost.get(model, 0), self.reasons[model]
            notes = (f"{worst} missing or failed clips count as worst",) if worst else ()
            if why:
                made[model] = Cell(result, None, 0, why, notes, worst)
            else:
                group = groups[model] if groups[model] <= 2 else 0
                made[model] = Cell(result, ranges[model], group, "", (*notes, *self._gap_note(model)), worst)
        return made

    def _gap_note(self, model: str) -> tuple[str, ...]:
        """How many prompts others answered and this row did not, and what became of them."""
        result = self.there[model]
        short = {m: short_of(result, self.there[m]) for m in self.ranked if m != model}
        others = [m for m, count in short.items() if count]
        if not others:
            return ()
        most = max(short.values())
        upto = "up to " if min(short[m] for m in others) < most else ""
        count = f"{upto}{most} {'prompts' if result.kind == 'clip' else 'clips'}"
        fate = "they count as worst" if result.kind == "clip" and result.bounds is not None else "nothing stands for them"
        return (f"did not answer {count} that {' or '.join(others)} answered; {fate}",)


def _unranked(result: Result | None) -> str:
    if result is None:
        return "not run"
    if not result.official:
        return "stand-in networks, no official checkpoint"
    if result.n.failed:
        return f"{result.n.failed} of {result.n.expected} clips missing or failed"
    if result.value is None:
        return result.reason or "no score"
    return ""
