"""Prints the tables of docs/statistics.md: how often intervals hold the truth and how often tests cry wolf. `make coverage`.

Everything is drawn from seeds made of the rows' names, which nobody chose; two processes share the rows.
"""

from __future__ import annotations

import os
import sys
import time
import zlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from multiprocessing import get_context

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from avbench_metrics._maths.frechet import frechet_distance, frechet_from_moments
from avbench_metrics._maths.kernel import polynomial_mmd2
from numpy.typing import NDArray

from avbench.statistics import (
    Scored,
    Weighing,
    compare,
    extrapolate,
    group_of,
    intervals,
    jackknife,
    mean_interval,
    paired_sums,
    set_difference,
)
from avbench.statistics.intervals import ClusterSums, student_quantile, studentised, sums_interval
from avbench.statistics.paired import sign_flip

Array = NDArray[np.float64]
Random = np.random.Generator
Row = tuple[str, ...]

SIZES = {50: 3000, 200: 1500, 1000: 700}  # clips: repetitions of a mean
SET_SIZES = {50: 400, 200: 400, 1000: 150}
RESAMPLES = FLIPS = 999  # a tenth of the product's, for time
SEEDS = 10  # sets of resamples that repetitions share
REFERENCE = 400
INFINITE = (-np.inf, np.inf)

MEANS: dict[str, tuple[Callable[[Random, int], Array], float]] = {
    "normal": (lambda r, n: r.normal(size=n), 0.0),
    "lognormal (sigma 0.5)": (lambda r, n: r.lognormal(0, 0.5, n), float(np.exp(0.125))),
    "lognormal (sigma 1)": (lambda r, n: r.lognormal(0, 1, n), float(np.exp(0.5))),
    "beta(0.5, 0.5)": (lambda r, n: r.beta(0.5, 0.5, n), 0.5),
    "beta(8, 1)": (lambda r, n: r.beta(8, 1, n), 8 / 9),
    "yes or no, 50 %": (lambda r, n: (r.random(n) < 0.5).astype(float), 0.5),
    "yes or no, 10 %": (lambda r, n: (r.random(n) < 0.1).astype(float), 0.1),
    "yes or no, 5 %": (lambda r, n: (r.random(n) < 0.05).astype(float), 0.05),
    "yes or no, 2 %": (lambda r, n: (r.random(n) < 0.02).astype(float), 0.02),
    "yes or no, 1 %": (lambda r, n: (r.random(n) < 0.01).astype(float), 0.01),
    "80 % zeros, else uniform": (lambda r, n: (r.random(n) < 0.2) * r.random(n), 0.1),
}
CLUSTERED: dict[str, tuple[Callable[[Random, int], Array], float]] = {
    "normal": (lambda r, n: r.normal(size=n), 0.0),
    "lognormal (sigma 0.5)": (lambda r, n: r.lognormal(0, 0.5, n), float(np.exp(0.125))),
}
CATEGORIES = ((25, 2), (10, 5), (5, 10), (50, 4))  # how many, and prompts in each
BETWEEN = 0.6  # share of a prompt's own part in the variance


def random_of(*name: object) -> Random:
    return np.random.default_rng(zlib.crc32(repr(name).encode()))


def percent(hits: int, of: int) -> str:
    return f"{100 * hits / of:.1f}"


def clustered(name: str, random: Random, clips: int) -> tuple[Array, Array]:
    """Scores whose prompts have 1, 2 or 3 clips, and the prompt of each; their mean is that of the distribution."""
    draw, mean = CLUSTERED[name]
    prompts = np.repeat(np.arange(clips), random.integers(1, 4, clips))[:clips]
    own = draw(random, clips)[prompts]
    noise = draw(random, clips) - mean
    return np.sqrt(BETWEEN) * (own - mean) + np.sqrt(1 - BETWEEN) * noise + mean, prompts


def mean_row(name: str, clips: int, repetitions: int, in_clusters: bool) -> Row:
    """Coverage of the product's interval, and of either half of it alone; clustered, also of Student's over clips."""
    draw, truth = (CLUSTERED if in_clusters else MEANS)[name]
    random = random_of("mean", name, clips, in_clusters)
    bounds = (0.0, 1.0) if "beta" in name or "yes" in name or "zeros" in name else INFINITE
    hits = np.zeros(4, int)
    for repetition in range(repetitions):
        scores, prompts = draw(random, clips), np.arange(clips)
        if in_clusters:
            scores, prompts = clustered(name, random, clips)
        sums = ClusterSums(np.bincount(prompts, scores), np.bincount(prompts).astype(float))
        reach = student_quantile(0.975, len(sums.sums) - 1) * sums.error
        with np.errstate(invalid="ignore"):  # a draw of equal scores has no t
            t = studentised(sums, repetition % SEEDS, RESAMPLES)
        above, below = np.quantile(t, [0.975, 0.025], method="inverted_cdf") * sums.error
        naive = student_quantile(0.975, clips - 1) * scores.std(ddof=1) / np.sqrt(clips)
        middle = sums.mean
        product = (middle - max(reach, above), middle + max(reach, -below))
        if "yes" in name:
            found = mean_interval(scores, prompts.astype(str), bounds)
            assert found is not None
            product = (found.low, found.high)
        elif repetition < 10:  # the short cut above is the product's way, without its resampling a second time
            found = sums_interval(sums, seed=repetition % SEEDS, resamples=RESAMPLES)
            np.testing.assert_allclose((found.low, found.high), product)
        ends = [product, (middle - above, middle - below), (middle - reach, middle + reach), (middle - naive, middle + naive)]
        hits += [low - 1e-12 <= truth <= high + 1e-12 for low, high in ends]
    label = name + (", clusters of 1 to 3" if in_clusters else "")
    return (label, str(clips), *(percent(h, repetitions) for h in hits[: 4 if in_clusters else 3]), *([] if in_clusters else ["–"]))


def paired_row(name: str, clips: int, repetitions: int) -> Row:
    """How often two models of one distribution are told apart at p < 0.05; prompts have 1 to 3 clips."""
    draw, _ = CLUSTERED[name]
    random = random_of("paired", name, clips)
    hits = np.zeros(3, int)
    for repetition in range(repetitions):
        first, prompts = clustered(name, random, clips)
        own = 0.8 * (draw(random, clips) - draw(random, clips))[prompts]  # what a prompt is worth to one model and not the other
        second = first + own + draw(random, clips) - draw(random, clips)
        rows = [[(str(i), str(p), x) for i, (p, x) in enumerate(zip(prompts, side, strict=True))] for side in (first, second)]
        sums = paired_sums(rows[0], rows[1])
        interval = sums_interval(sums, seed=repetition % SEEDS, resamples=RESAMPLES)
        hits += [
            sign_flip(sums.sums, repetition, FLIPS)[0] < 0.05,
            not interval.low <= 0 <= interval.high,
            sign_flip(first - second, repetition, FLIPS)[0] < 0.05,
        ]
    return (name, str(clips), *(percent(h, repetitions) for h in hits))


def category_row(categories: int, prompts: int, repetitions: int) -> Row:
    """Means over categories that lie as far apart as their prompts: coverage, and false alarms between two models."""
    random = random_of("category", categories, prompts)
    count = categories * prompts
    groups = np.repeat(np.arange(categories), prompts).astype(str)
    names = [str(i) for i in range(count)]
    places = np.repeat(random.normal(size=categories), prompts)
    weighing = Weighing([1.0] * count, groups.tolist())
    hits = np.zeros(2, int)
    for repetition in range(repetitions):
        sides = [places + random.normal(size=count) for _ in range(2)]
        sums = ClusterSums.of(sides[0].tolist(), names, weighing)
        found = sums_interval(sums, seed=repetition % SEEDS, resamples=RESAMPLES)
        rows = [[Scored(i, i, float(x), 1.0, g) for i, x, g in zip(names, side, groups, strict=True)] for side in sides]
        told = compare(rows[0], rows[1], seed=repetition, interval=False, flips=FLIPS)
        assert told is not None
        hits += [found.low <= places.mean() <= found.high, told.p < 0.05]
    return (str(categories), str(prompts), *(percent(h, repetitions) for h in hits))


SETS: dict[str, tuple[Callable[[Array, Array], float], int, float]] = {
    "Fréchet, 16-d": (frechet_distance, 16, 0.0),
    "Fréchet, 64-d": (frechet_distance, 64, 0.0),
    "Fréchet, 16-d, heavy tails": (frechet_distance, 16, 0.25),
    "kernel (KID), 16-d": (polynomial_mmd2, 16, 0.0),
}


def vectors(random: Random, clips: int, dimensions: int, tails: float) -> Array:
    rows = 0.1 + 1.1 * random.normal(size=(clips, dimensions))
    return rows * random.lognormal(0, tails, (clips, 1)) if tails else rows


def set_row(name: str, clips: int, repetitions: int) -> Row:
    """Coverage of the jackknife, of the naive bootstrap, and false alarms of the paired jackknife."""
    distance, dimensions, tails = SETS[name]
    random = random_of("set", name, clips)
    reference = random.normal(size=(REFERENCE, dimensions))
    expected = np.mean([distance(vectors(random, clips, dimensions, tails), reference) for _ in range(4 * repetitions)])
    clusters = [str(i) for i in range(clips)]
    groups = group_of(clusters)
    of_clip = [groups[c] for c in clusters]
    bounds = (0.0, np.inf) if distance is frechet_distance else INFINITE
    hits = np.zeros(3, int)
    shown = max(1, repetitions // 6)
    for repetition in range(repetitions):
        first, second = (vectors(random, clips, dimensions, tails) for _ in range(2))
        found = [jackknife(lambda kept, rows=rows: distance(rows[list(kept)], reference), of_clip) for rows in (first, second)]
        interval = found[0].interval(bounds)
        hits[0] += interval.low <= expected <= interval.high
        hits[1] += set_difference(*found).p < 0.05
        if repetition < shown:
            resampled = [distance(first[random.integers(clips, size=clips)], reference) for _ in range(40)]
            hits[2] += np.min(resampled) <= expected <= np.max(resampled)
    return name, str(clips), percent(hits[0], repetitions), percent(hits[2], shown), percent(hits[1], repetitions)


def line_row(dimensions: int, clips: int, repetitions: int) -> Row:
    """Fréchet distance: as measured, at infinite N, and the truth from the distribution's moments."""
    random = random_of("line", dimensions, clips)
    reference = random.normal(size=(REFERENCE, dimensions))
    exact = frechet_from_moments(np.full(dimensions, 0.1), 1.21 * np.eye(dimensions), reference.mean(axis=0), np.cov(reference.T))
    clusters = [str(i) for i in range(clips)]
    raw, lines = [], []
    for _ in range(repetitions):
        rows = vectors(random, clips, dimensions, 0.0)
        raw.append(frechet_distance(rows, reference))
        lines.append(extrapolate(lambda kept, rows=rows: frechet_distance(rows[list(kept)], reference), clusters))
    values = [line.value for line in lines]
    return (str(dimensions), str(clips), f"{np.mean(raw):.3f}", f"{np.mean(values):.3f} ± {np.std(values):.3f}", f"{exact:.3f}",
            f"{np.median([line.r2 for line in lines]):.3f}")  # fmt: skip


Job = tuple[str, Callable[..., Row], tuple[object, ...]]
HEADS = {
    "mean": ("Nominal 95 % intervals of a mean, % that hold it", ("scores", "clips", "mean_interval", "bootstrap-t alone",
             "Student alone", "Student, clusters ignored")),
    "paired": ("Two models of one distribution, % told apart at p < 0.05 (clusters of 1 to 3 clips)",
               ("scores", "clips", "sign flips", "interval without 0", "sign flips, clusters ignored")),
    "category": ("Means over categories of normal scores: % of nominal 95 % intervals that hold the mean; % of two models of one "
                 "distribution told apart at p < 0.05", ("categories", "prompts each", "mean_interval", "sign flips")),
    "set": ("Nominal 95 % intervals of a set's distance, % that hold the expected distance of N clips",
            ("distance", "clips", "jackknife", "naive bootstrap, all of it", "paired jackknife, p < 0.05 under no difference")),
    "line": ("Fréchet distance at infinite N (mean ± spread over repetitions)",
             ("dimensions", "clips", "as measured", "at infinite N", "true", "median R^2")),
}  # fmt: skip


def jobs(share: float) -> list[Job]:
    """All rows; ``share`` of the repetitions."""
    found: list[Job] = []
    for n, times in SIZES.items():
        some = max(2, round(times * share))
        found += [("mean", mean_row, (name, n, some, False)) for name in MEANS]
        found += [("mean", mean_row, (name, n, some, True)) for name in CLUSTERED]
        found += [("paired", paired_row, (name, n, some)) for name in CLUSTERED]
    found += [("category", category_row, (*shape, max(2, round(1500 * share)))) for shape in CATEGORIES]
    for n, times in SET_SIZES.items():
        chosen = [name for name in SETS if n < 1000 or SETS[name][0] is frechet_distance]  # a kernel of 1000 is slow
        found += [("set", set_row, (name, n, max(2, round(times * share)))) for name in chosen]
    lines = ((16, 50), (16, 200), (64, 50), (64, 200), (64, 1000))
    found += [("line", line_row, (d, n, max(2, round(60 * share)))) for d, n in lines]
    return found


def run_job(job: Job) -> Row:
    if not hasattr(intervals._counts, "cache_info"):  # resamples depend on the number of prompts and the seed alone
        draw = intervals._counts
        intervals._counts = lru_cache(64)(lambda *of: list(draw(*of)))  # type: ignore[assignment]
    return job[1](*job[2])


def tables(chosen: Iterable[Job], processes: int = 2) -> str:
    """Markdown."""
    listed = list(chosen)
    with get_context("spawn").Pool(processes) as pool:
        rows = pool.map(run_job, listed, chunksize=1)
    text = []
    for kind, (title, head) in HEADS.items():
        body = [row for job, row in zip(listed, rows, strict=True) if job[0] == kind]
        grid = (head, ("---",) * len(head), *sorted(body, key=lambda row: row[0]))
        text += [f"**{title}**", "", *("| " + " | ".join(row) + " |" for row in grid), ""]
    return "\n".join(text)


if __name__ == "__main__":
    started = time.time()
    print(tables(jobs(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)))
    print(f"{time.time() - started:.0f} s")
