"""Two models on the same clips: the difference of each clip, sorted, as a histogram, and its mean with an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from avbench.leaderboard.pairs import scores_of
from avbench.leaderboard.rank import Column
from avbench.leaderboard.tables import number
from avbench.leaderboard.view.charts import Scale, axis_below, axis_left, bars, coordinate, span, svg
from avbench.leaderboard.view.page import escape, name
from avbench.leaderboard.view.subject import Subject
from avbench.report import ClipScore, Result
from avbench.statistics import Difference, compare

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 350.0, 170.0, 52.0, 8.0, 34.0
DRAWN = 300  # bars; more would be narrower than a pixel


@dataclass(frozen=True)
class Pair:
    """Differences other - first over the clips that both have a score for, smallest first; ``tested`` needs two prompts or more."""

    first: str
    other: str
    clips: tuple[str, ...]
    differences: tuple[float, ...]
    mean: float
    tested: Difference | None


def size(value: float, better: str) -> float:
    """What the ranking compares: the size of a signed score, else the score."""
    return abs(value) if better == "zero" else value


def pair(first: str, one: Result, other: str, two: Result) -> Pair | None:
    """Compare two models under one metric; None where no clip has a score of both."""
    known = {score.clip: score for score in one.scores}
    both: list[tuple[float, ClipScore]] = sorted(
        ((size(s.value, two.better) - size(known[s.clip].value, one.better), s) for s in two.scores if s.clip in known),
        key=lambda row: (row[0], row[1].clip),
    )
    if not both:
        return None
    values = [value for value, _ in both]
    shared = {score.clip for _, score in both}
    ours, theirs = ([row for row in scores_of(result) if row[0] in shared] for result in (two, one))
    tested = compare(ours, theirs)
    return Pair(first, other, tuple(s.clip for _, s in both), tuple(values), math.fsum(values) / len(values), tested)


def figures(column: Column, subject: Subject) -> str:
    """Every model against the first one; "" where there is nothing to compare."""
    results = subject.results(column)
    if results[0] is None:
        return ""
    parts = []
    for model, result in enumerate(results[1:], 1):
        found = pair(subject.models[0], results[0], subject.models[model], result) if result is not None else None
        if found is not None:
            parts.append(_figure(found, column, model, subject))
    return "".join(parts)


def _figure(found: Pair, column: Column, model: int, subject: Subject) -> str:
    what = f"{name(found.other)} − {name(found.first)}"
    sized = " (difference of sizes)" if column.result.better == "zero" else ""
    drawings = ""
    if any(found.differences):
        drawings = f'<div class="pair">{_sorted(found, column, subject)}{_histogram(found, column, model)}</div>'
    return f"<figure><figcaption><strong>{what}</strong>{sized}: {_words(found, column)}</figcaption>{drawings}</figure>"


def _words(found: Pair, column: Column) -> str:
    """Mean, interval and how many clips went which way."""
    above, below = sum(d > 0 for d in found.differences), sum(d < 0 for d in found.differences)
    equal = len(found.differences) - above - below
    if not above and not below:
        return f"no difference on any of the {equal} clips that both have a score for."
    reach = "no interval (fewer than two prompts)"
    if found.tested is not None:
        interval = found.tested.interval
        reach = f"{interval.level:.0%} interval {number(interval.low)} to {number(interval.high)}, p {number(found.tested.p)}"
    counts = f"above zero on {above} clips, below on {below}, equal on {equal} of {len(found.differences)}"
    better, worse = (above, below) if column.result.better == "higher" else (below, above)
    if column.result.better != "none":
        counts = f"better on {better} clips, worse on {worse}, equal on {equal} of {len(found.differences)}"
    return f"mean {number(found.mean)}, {reach}; {counts}."


def _sorted(found: Pair, column: Column, subject: Subject) -> str:
    """One bar per clip from zero to its difference, the interval of the mean as a band behind them; of very many clips some."""
    low, high = span([*found.differences, 0.0])
    y = Scale(low, high, HEIGHT - BOTTOM, TOP)
    count = len(found.clips)
    places = range(count) if count <= DRAWN else [place * (count - 1) // (DRAWN - 1) for place in range(DRAWN)]
    x = Scale(0, len(places), LEFT, WIDTH - 6)
    drawn = "".join(_bar(found, place, x.at(i), x(1) - x(0), y, column, subject) for i, place in enumerate(places))
    middle = coordinate((LEFT + WIDTH) / 2)
    chosen = "clips, sorted" if count <= DRAWN else f"{DRAWN} of {count} clips, evenly from the sorted ones"
    words = f'<text class="words" x="{middle}" y="{HEIGHT - BOTTOM + 18:.0f}" text-anchor="middle">{chosen}</text>'
    zero = f'<path class="zero" d="M{LEFT:.0f} {y.at(0.0)}H{x.at(x.high)}"/>'
    label = f"Sorted differences of {column.result.title}, {found.other} minus {found.first}"
    return svg(WIDTH, HEIGHT, label, f"{axis_left(y, LEFT)}{_interval(found, y)}{drawn}{zero}{words}")


def _bar(found: Pair, place: int, x: str, room: float, y: Scale, column: Column, subject: Subject) -> str:
    """A clip's difference as a bar that leads to its page."""
    clip, difference = found.clips[place], found.differences[place]
    top, bottom = sorted((float(y.at(0.0)), float(y.at(difference))))
    wide = coordinate(max(0.5, room - (1 if room > 3 else 0)))
    box = f'x="{x}" y="{coordinate(top)}" width="{wide}" height="{coordinate(max(0.6, bottom - top))}"'
    words = f"<title>{name(clip)}: {number(difference)}</title>"
    mark = f'<rect class="{_side(difference, column)}" {box}>{words}</rect>'
    href = subject.pages.get(clip)
    return f'<a href="{escape(href)}" tabindex="-1">{mark}</a>' if href else mark


def _interval(found: Pair, y: Scale) -> str:
    band = ""
    if found.tested is not None:
        top, bottom = y.at(found.tested.interval.high), y.at(found.tested.interval.low)
        tall = coordinate(float(bottom) - float(top))
        band = f'<rect class="interval" x="{LEFT:.0f}" y="{top}" width="{WIDTH - 6 - LEFT:.0f}" height="{tall}"/>'
    line = f"M{LEFT:.0f} {y.at(found.mean)}H{WIDTH - 6:.0f}"
    return f'{band}<path class="middle" d="{line}"><title>mean {number(found.mean)}</title></path>'


def _side(difference: float, column: Column) -> str:
    if column.result.better == "none" or not difference:
        return "bar"
    return "gain" if (difference > 0) == (column.result.better == "higher") else "loss"


def _histogram(found: Pair, column: Column, model: int) -> str:
    low, high = span([*found.differences, 0.0])
    x = Scale(low, high, 12, WIDTH - 12)
    floor = HEIGHT - BOTTOM - 4
    zero, mean = x.at(0.0), x.at(found.mean)
    reach = ""
    if found.tested is not None:
        interval = found.tested.interval
        reach = f'<path class="reach" d="M{x.at(interval.low)} {coordinate(floor)}H{x.at(interval.high)}"/>'
    body = (
        f'<g class="m{model % 8}">{bars(found.differences, x, floor, floor - TOP, "bar")}'
        f'<path class="zero" d="M{zero} {TOP:.0f}V{coordinate(floor)}"/>{reach}'
        f'<circle class="mean" cx="{mean}" cy="{coordinate(floor)}" r="3.5"><title>mean {number(found.mean)}</title></circle></g>'
    )
    axis = axis_below(x, floor + 2, f"difference{f' [{column.result.unit}]' if column.result.unit not in ('', '1') else ''}")
    return svg(WIDTH, HEIGHT, f"Histogram of the same differences, mean {number(found.mean)}", body + axis)
