"""What the pages speak of: the reports, their table, the clips and where each clip's page is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from avbench.leaderboard.rank import Table
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

    def results(self, column: Result) -> list[Result | None]:
        """One per model: its result of a column, None where it was not run."""
        return [next((r for r in report.metrics if r.name == column.name), None) for report in self.reports]

    @cached_property
    def _outcomes(self) -> dict[tuple[int, str], dict[str, ClipScore | Missing]]:
        return {
            (model, result.name): {row.clip: row for row in _rows(result)}
            for model, report in enumerate(self.reports)
            for result in report.metrics
        }

    def outcome(self, model: int, column: Result, clip: str) -> ClipScore | Missing | None:
        """A clip's score or why it has none; None where the metric was not run or knows nothing of the clip."""
        return self._outcomes.get((model, column.name), {}).get(clip)

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


def column_head(column: Result) -> str:
    """Title, unit, direction and protocol; a stand-in says so."""
    unit = f' <span class="unit">[{escape(column.unit)}]</span>' if column.unit not in ("", "1") else ""
    arrow = {"higher": "↑", "lower": "↓", "zero": "→0", "none": ""}[column.better]
    pointer = f' <abbr title="{DIRECTION[column.better]}">{arrow}</abbr>' if arrow else ""
    stand_in = "" if column.official else ' <strong class="warning">stand-in, not the official checkpoint</strong>'
    return f'{escape(column.title)}{unit}{pointer} <span class="protocol">@{escape(column.protocol)}</span>{stand_in}'


def search_words(column: Result) -> str:
    """What the filter of metrics looks in, ready for an attribute."""
    return escape(f"{column.name} {column.title}".lower())
