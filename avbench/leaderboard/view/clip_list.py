"""The list of clips, sortable by any metric and by the difference between two models."""

from __future__ import annotations

import json
from typing import Any

from avbench.leaderboard.rank import Column
from avbench.leaderboard.tables import number
from avbench.leaderboard.view.differences import size
from avbench.leaderboard.view.leaderboard import sortable
from avbench.leaderboard.view.page import escape, name, region
from avbench.leaderboard.view.subject import Subject
from avbench.report import ClipScore, Missing


def section(subject: Subject) -> str:
    """Controls, the table of the first metric, and the data that the script fills the table with for another one."""
    columns = [c for c in subject.table.columns if c.result.kind == "clip"]
    if not columns:
        return "<p>No metric here scores single clips.</p>"
    metrics = "".join(f'<option value="{i}">{escape(_option(c))}</option>' for i, c in enumerate(columns))
    data = [_column(column, subject) for column in columns]
    return (
        f'<p class="scripted controls"><label>metric <select id="clip-metric">{metrics}</select></label>'
        f"{_choices(subject)}"
        '<label>find <input type="search" id="clip-filter" placeholder="id or kind, such as no_audio"></label></p>'
        f"{region('Clips', _table(subject, columns[0], data[0]))}{_script(data)}"
    )


def _option(column: Column) -> str:
    variant = f" ({column.variant})" if column.variant else ""
    return f"{column.result.title} @{column.result.protocol}{variant}"


def _choices(subject: Subject) -> str:
    """The two models of the difference."""
    if len(subject.models) < 2:
        return ""

    def select(which: str, chosen: int) -> str:
        options = "".join(
            f'<option value="{i}"{" selected" if i == chosen else ""}>{name(model)}</option>'
            for i, model in enumerate(subject.models)
        )
        return f'<select id="clip-{which}" aria-label="{which} model of the difference">{options}</select>'

    return f"<span>difference {select('first', 1)} − {select('second', 0)}</span>"


def _table(subject: Subject, column: Column, data: dict[str, Any]) -> str:
    pictures = bool(subject.thumbnails)
    heads = "".join(sortable(name(model), attributes=f' data-model="{i}"') for i, model in enumerate(subject.models))
    difference = sortable("difference", "descending") if len(subject.models) > 1 else ""
    picture = '<th scope="col">frames</th>' if pictures else ""
    rows = "".join(_row(place, subject, column, data) for place in range(len(subject.clips)))
    return (
        '<table id="clip-table"><caption>Clips; every head sorts</caption>'
        f"<thead><tr>{sortable('clip')}{picture}{heads}{difference}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(place: int, subject: Subject, column: Column, data: dict[str, Any]) -> str:
    clip = subject.clips[place]
    picture = ""
    if subject.thumbnails:
        source = subject.thumbnails.get(clip)
        image = f'<img class="thumbnail" src="{escape(source)}" alt="" loading="lazy">' if source else ""
        picture = f"<td>{image}</td>"
    values = [scores[place] if scores else None for scores in data["scores"]]
    cells = "".join(_cell(value, i, column) for i, value in enumerate(values))
    difference = _difference(values, column) if len(values) > 1 else ""
    return f'<tr data-clip="{place}"><th scope="row" data-sort="{place}">{subject.link(clip)}</th>{picture}{cells}{difference}</tr>'


def _cell(value: Any, model: int, column: Column) -> str:
    mark = f' class="score" data-model="{model}"'
    if isinstance(value, float):
        return f'<td{mark} data-sort="{size(value, column.result.better)!r}">{number(value)}</td>'
    if value is None:
        return f"<td{mark}>–</td>"
    kind, reason = value
    return f'<td{mark} title="{escape(reason)}"><span class="gap">{escape(kind)}</span></td>'


def _difference(values: list[Any], column: Column) -> str:
    one, two = values[0], values[1]
    if not isinstance(one, float) or not isinstance(two, float):
        return '<td class="difference">–</td>'
    difference = size(two, column.result.better) - size(one, column.result.better)
    return f'<td class="difference" data-sort="{difference!r}">{number(difference)}</td>'


def _column(column: Column, subject: Subject) -> dict[str, Any]:
    """What the script needs of a metric: per model and clip the score, or kind and reason, or null where nothing is known."""
    scores = [
        [_known(subject.outcome(model, column, clip)) for clip in subject.clips] if result is not None else None
        for model, result in enumerate(subject.results(column))
    ]
    return {"better": column.result.better, "scores": scores}


def _known(outcome: ClipScore | Missing | None) -> float | list[str] | None:
    if isinstance(outcome, Missing):
        return [outcome.kind, outcome.reason]
    return None if outcome is None else float(f"{outcome.value:.7g}")


def _script(data: list[dict[str, Any]]) -> str:
    """JSON in a data block; ``<`` is escaped, so that no text can end the block."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="clip-data">{text}</script>'
