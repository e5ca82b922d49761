"""Intervals, comparisons, rank sets and the size of a study; numbers in, numbers out: knows no clip and no metric."""

from avbench.statistics.intervals import Interval, Weighing, mean_interval
from avbench.statistics.paired import (
    Difference,
    Scored,
    Verdict,
    compare,
    equivalence,
    flips_for,
    holm,
    non_inferiority,
    paired_sums,
    smallest_p,
)
from avbench.statistics.power import Design, clips_needed, smallest_effect
from avbench.statistics.ranks import best_group, rank_ranges
from avbench.statistics.sets import Extrapolation, Jackknife, extrapolate, group_of, jackknife, noise_floor, set_difference

__all__ = [
    "Design",
    "Difference",
    "Extrapolation",
    "Interval",
    "Jackknife",
    "Scored",
    "Verdict",
    "Weighing",
    "best_group",
    "clips_needed",
    "compare",
    "equivalence",
    "extrapolate",
    "flips_for",
    "group_of",
    "holm",
    "jackknife",
    "mean_interval",
    "noise_floor",
    "non_inferiority",
    "paired_sums",
    "rank_ranges",
    "set_difference",
    "smallest_effect",
    "smallest_p",
]
