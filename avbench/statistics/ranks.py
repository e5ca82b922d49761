"""Who is in the best group of a column: sets of possible ranks instead of one bold maximum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from avbench.statistics.paired import Better, Difference, Scores, compare, flips_for, holm


def best_group(scores: Mapping[str, Scores], better: Better, level: float = 0.95) -> dict[str, tuple[int, int]]:
    """Possible ranks of each model under a clip metric; see ``rank_ranges``.

    Args:
        scores: model to (clip id, cluster, score).
        better: ``higher`` or ``lower`` scores.
        level: probability that all ranges hold the true ranks.

    Returns:
        Model to (lowest, highest) rank; those whose lowest rank is 1 form the best group.
    """
    pairs = list(combinations(scores, 2))
    flips = flips_for(len(pairs), level)
    found = {(a, b): compare(scores[a], scores[b], level, interval=False, flips=flips) for a, b in pairs}
    return rank_ranges(list(scores), {pair: d for pair, d in found.items() if d is not None}, better, level)


def rank_ranges(
    models: Sequence[str], differences: Mapping[tuple[str, str], Difference], better: Better, level: float = 0.95
) -> dict[str, tuple[int, int]]:
    """Ranges of ranks from the differences of pairs, of clips or of sets.

    All pairs are tested, Holm keeps the chance of any false claim within 1 - level, and a model's rank lies between 1 + the number
    of models significantly better and M - the number significantly worse. Source: Mogstad, Romano, Shaikh and Wilhelm, Review of
    Economic Studies 91 (2024), with Holm's step-down in place of theirs.

    Args:
        models: names.
        differences: (first, second) to first minus second; a pair that is absent (nothing shared) tells nothing apart.
        better: ``higher`` or ``lower`` values.
        level: as above.
    """
    pairs = list(differences)
    adjusted = holm([differences[pair].p for pair in pairs])
    ahead = dict.fromkeys(models, 0)  # how many are significantly better
    behind = dict.fromkeys(models, 0)
    for (first, second), p in zip(pairs, adjusted, strict=True):
        difference = differences[first, second]
        if p < 1.0 - level and difference.value != 0.0:
            first_wins = (difference.value > 0) == (better == "higher")
            winner, loser = (first, second) if first_wins else (second, first)
            ahead[loser] += 1
            behind[winner] += 1
    return {model: (1 + ahead[model], len(models) - behind[model]) for model in models}
