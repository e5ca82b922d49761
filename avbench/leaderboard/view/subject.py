"""What the pages speak of: the reports, their table, the clips and where each clip's page is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from avbench.leaderboard.rank import Column, Table
from avbench.leaderboard.tables import ARROWS
from avbench.leaderboard.view.page import escape, name
from avbench.report import ClipScore, Missing, Report, Result

DIRECTION = {"higher": "higher is better", "lower": "lower is better", "zero": "nearer to zero is better", "none": "not ranked"}


@dataclass(frozen=True)
class Subject:
    """Models are numbered as their reports were given.

    ``pages`` and ``thumbnails`` lead from the index to a clip's page and to a strip of its frames; empty without media.
    """

    reports: tuple[Report, ...]
    table: Table
    clips: tuple[str, ...]
    pages: Mapping[str, str] = field(default_factory=dict)
    thumbnails: Mapping[str, str] = field(default_factory=dict)

    @property
    def models(self) -> tuple[str, ...]:
        """Names in the order of the reports."""
        return tuple(report.model for report in self.reports)

    def head(self, model: int) -> str:
        """A model's name, and whether it is a floor or a ceiling instead of a model."""
        role = self.reports[model].role
        return name(self.models[model]) + (f' <span class="role">{escape(role)}</span>' if role != "model" else "")

    def results(self, column: Column) -> list[Result | None]:
        """One per model: what it has in a column of the table, None where nothing of it may stand there."""
        place = self._places[id(column)]
        return [cells[place].result for _, cells in self.table.rows]

    @cached_property
    def _places(self) -> dict[int, int]:
        return {id(column): place for place, column in enumerate(self.table.columns)}

    @cached_property
    def _outcomes(self) -> dict[tuple[int, int], dict[str, ClipScore | Missing]]:
        return {
            (model, place): {row.clip: row for row in _rows(cell.result)}
            for model, (_, cells) in enumerate(self.table.rows)
            for place, cell in enumerate(cells)
            if cell.result is not None
        }

    def outcome(self, model: int, column: Column, clip: str) -> ClipScore | Missing | None:
        """A clip's score or why it has none; None where the metric was not run or knows nothing of the clip."""
        return self._outcomes.get((model, self._places[id(column)]), {}).get(clip)

    def link(self, clip: str) -> str:
        """The clip's id, as a link to its page where there is one."""
        href = self.pages.get(clip)
        return f'<a href="{escape(href)}">{name(clip)}</a>' if href else name(clip)


def clip_ids(reports: Sequence[Report]) -> tuple[str, ...]:
    """Every clip that a report knows, judged or missing; numbers within an id count as numbers."""
    found: set[str] = set()
    for report in reports:
        found |= set(report.clips)
        for result in report.metrics:
            found |= {row.clip for row in _rows(result)}
    return tuple(sorted(found, key=_natural))


def _rows(result: Result) -> list[ClipScore | Missing]:
    return [*result.scores, *result.missing]


def _natural(text: str) -> tuple[list[tuple[int, str]], str]:
    parts = re.split(r"([0-9]+)", text)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], text


def column_head(column: Column) -> str:
    """Title, unit, direction, protocol and what else tells the column from others; a stand-in and a warning are said."""
    result = column.result
    unit = f' <span class="unit">[{escape(result.unit)}]</span>' if result.unit not in ("", "1") else ""
    arrow = f' <abbr title="{DIRECTION[result.better]}">{ARROWS[result.better]}</abbr>' if ARROWS[result.better] else ""
    variant = f' <span class="unit">({escape(column.variant)})</span>' if column.variant else ""
    stand_in = "" if result.official else ' <strong class="warning">stand-in, not the official checkpoint</strong>'
    flag = f' <abbr class="flag" title="{escape(column.flag)}">†</abbr>' if column.flag else ""
    return f'{escape(result.title)}{unit}{arrow} <span class="protocol">@{escape(result.protocol)}</span>{variant}{stand_in}{flag}'


def search_words(column: Column) -> str:
    """What the filter of metrics looks in, ready for an attribute."""
    return escape(f"{column.name} {column.result.title} {column.variant}".lower())
