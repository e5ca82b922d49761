"""One metric's scores: a histogram and every clip's mark, one row per model."""

from __future__ import annotations

from avbench.leaderboard.rank import Column
from avbench.leaderboard.tables import number
from avbench.leaderboard.view.charts import Scale, axis_below, bars, coordinate, span, svg
from avbench.leaderboard.view.page import escape, name
from avbench.leaderboard.view.subject import Subject
from avbench.report import Result

WIDTH, LABEL, RIGHT, ROW, BAR = 620.0, 130.0, 64.0, 52.0, 30.0
BANDS = (0.045, 0.125)  # s of offset that few and that many viewers notice
MARKED = 400  # clips with a link each; more are one drawing
LETTERS = 18


def figure(column: Column, subject: Subject) -> str:
    """The drawing, or "" where no model has a score of a clip."""
    rows = [(i, r) for i, r in enumerate(subject.results(column)) if r is not None and r.scores]
    if not rows:
        return ""
    values = [score.value for _, r in rows for score in r.scores]
    banded = column.result.better == "zero" and column.result.unit == "s"
    low, high = span(values, symmetric=column.result.better == "zero", least=1.2 * BANDS[-1] if banded else 0.0)
    scale = Scale(low, high, LABEL, WIDTH - RIGHT)
    bottom = 14 + ROW * len(rows)
    parts = [_bands(scale, bottom)] if banded else []
    parts += [_row(i, r, scale, 14 + ROW * place, subject) for place, (i, r) in enumerate(rows)]
    unit = f" [{column.result.unit}]" if column.result.unit not in ("", "1") else ""
    parts.append(axis_below(scale, bottom, f"{column.result.title}{unit}, one mark per clip"))
    label = f"Distribution of {column.result.title}: " + "; ".join(f"{subject.models[i]} {_summary(r)}" for i, r in rows)
    return svg(WIDTH, bottom + 34, label, "".join(parts))


def _bands(scale: Scale, bottom: float) -> str:
    parts = []
    for band in reversed(BANDS):
        wide, tall = coordinate(scale(band) - scale(-band)), coordinate(bottom - 14)
        parts.append(
            f'<rect class="band" x="{coordinate(scale(-band))}" y="14" width="{wide}" height="{tall}">'
            f"<title>within ±{band * 1000:.0f} ms</title></rect>"
        )
    middle = coordinate(scale(0.0))
    words = " / ".join(f"{band * 1000:.0f}" for band in BANDS)
    parts.append(f'<text class="tick" x="{middle}" y="10" text-anchor="middle">±{words} ms</text>')
    parts.append(f'<path class="zero" d="M{middle} 14V{coordinate(bottom)}"/>')
    return "".join(parts)


def _row(model: int, result: Result, scale: Scale, top: float, subject: Subject) -> str:
    values = [score.value for score in result.scores]
    floor = top + 4 + BAR
    label = subject.models[model]
    short = label if len(label) <= LETTERS else f"{label[: LETTERS - 1]}…"
    end = coordinate(scale.end + 8)
    return (
        f'<g class="m{model % 8}"><text class="words" x="{LABEL - 10:.0f}" y="{coordinate(floor - 12)}" text-anchor="end">'
        f"{name(short)}<title>{name(label)}</title></text>{bars(values, scale, floor, BAR, 'bar')}"
        f"{_marks(result, scale, floor, subject)}{_mean(result, scale, floor)}"
        f'<text class="tick" x="{end}" y="{coordinate(floor - 16)}">{number(_centre(result))}</text>'
        f'<text class="tick" x="{end}" y="{coordinate(floor - 3)}">N {len(values)}</text></g>'
    )


def _marks(result: Result, scale: Scale, floor: float, subject: Subject) -> str:
    y = coordinate(floor + 4)
    if len(result.scores) > MARKED:
        places = sorted({scale.at(score.value) for score in result.scores}, key=float)
        return f'<path class="mark" d="{"".join(f"M{x} {y}v8" for x in places)}"/>'
    parts = []
    for score in result.scores:
        mark = (
            f'<path class="mark" d="M{scale.at(score.value)} {y}v8"><title>{name(score.clip)}: {number(score.value)}</title></path>'
        )
        href = subject.pages.get(score.clip)
        parts.append(f'<a href="{escape(href)}" tabindex="-1">{mark}</a>' if href else mark)
    return "".join(parts)


def _centre(result: Result) -> float:
    """The mean on the axis of the scores: for signed scores the signed mean, not the mean size that the table ranks."""
    values = [score.value for score in result.scores]
    return sum(values) / len(values)


def _mean(result: Result, scale: Scale, floor: float) -> str:
    """Mean and interval; the interval of a mean size has no place on a signed axis."""
    reach = ""
    if result.interval is not None and result.better != "zero":
        low, high = scale.at(result.interval.low), scale.at(result.interval.high)
        reach = f'<path class="reach" d="M{low} {coordinate(floor)}H{high}"/>'
    return (
        f'{reach}<circle class="mean" cx="{scale.at(_centre(result))}" cy="{coordinate(floor)}" r="3.5">'
        f"<title>mean {_summary(result)}</title></circle>"
    )


def _summary(result: Result) -> str:
    interval = result.interval
    reach = f", {interval.level:.0%} interval {number(interval.low)} to {number(interval.high)}" if interval else ""
    signed = f", mean size {number(result.value)}" if result.better == "zero" and result.value is not None else ""
    return f"{number(_centre(result))}{signed}{reach}"
