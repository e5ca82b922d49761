"""One-to-one matching of two sorted lists of times."""

from __future__ import annotations

from avbench.feature import Array


def matched(first: Array, second: Array, tolerance: float) -> int:
    """The largest number of pairs, each time used once, that lie within ``tolerance`` seconds of each other.

    Taking the earliest possible partner is optimal for points on a line with one common tolerance.
    """
    left, right = sorted(float(t) for t in first), sorted(float(t) for t in second)
    i = j = count = 0
    while i < len(left) and j < len(right):
        if abs(left[i] - right[j]) <= tolerance + 1e-12:
            count, i, j = count + 1, i + 1, j + 1
        elif left[i] < right[j]:
            i += 1
        else:
            j += 1
    return count
