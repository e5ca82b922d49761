"""How the numbers came about: benchmark, versions, digests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from avbench.leaderboard.rank import Column
from avbench.leaderboard.view.page import escape, name, region
from avbench.leaderboard.view.subject import Subject, column_head, search_words


def section(subject: Subject) -> str:
    """Tables of the runs and of the columns."""
    return f"{_runs(subject)}{_columns(subject)}"


def _runs(subject: Subject) -> str:
    facts = [_facts(report.provenance) for report in subject.reports]
    for known, report in zip(facts, subject.reports, strict=True):
        known["prompts"] = f"{report.benchmark.prompts} of {report.benchmark.prompts_in_benchmark}"
        known["sha256 of the prompts"] = report.benchmark.prompts_sha256
        known["clips"] = str(len(report.clips))
        known["files that answer no prompt"] = "; ".join(f"{row['file']}: {row['reason']}" for row in report.extra)
    keys = list(dict.fromkeys(key for known in facts for key in known))
    heads = "".join(f'<th scope="col" data-model="{i}">{name(model)}</th>' for i, model in enumerate(subject.models))
    rows = "".join(
        f'<tr><th scope="row">{escape(key)}</th>'
        + "".join(f'<td data-model="{i}">{escape(known.get(key) or "–")}</td>' for i, known in enumerate(facts))
        + "</tr>"
        for key in keys
    )
    table = f'<table><caption>Runs</caption><thead><tr><th scope="col">fact</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    asked = subject.reports[0].benchmark
    return f"<p>{escape(f'{asked.title} ({asked.name}, version {asked.version})')}</p>{region('Runs', table)}"


def _facts(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Nested facts as ``outer: inner``."""
    found: dict[str, str] = {}
    for key, value in provenance.items():
        if isinstance(value, Mapping):
            found.update({f"{key}: {inner}": str(words) for inner, words in value.items()})
        else:
            found[key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found


def _columns(subject: Subject) -> str:
    rows = "".join(_column(column, subject) for column in subject.table.columns)
    return region(
        "Columns",
        '<table><caption>Columns: what must agree before two values may be compared</caption><thead><tr><th scope="col">metric</th>'
        '<th scope="col">identity</th><th scope="col">reference set</th><th scope="col">weights</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>",
    )


def _column(column: Column, subject: Subject) -> str:
    behind = dict.fromkeys(weight for r in subject.results(column) if r is not None for weight in r.weights)
    weights = "<br>".join(f"{escape(w.name)} ({escape(w.status)}) {_digest(w.sha256)}" for w in behind) or "none"
    result = column.result
    against = _digest(result.reference) if result.reference else "none"
    return (
        f'<tr data-metric="{search_words(column)}"><th scope="row">{column_head(column)}</th><td>{_digest(result.identity)}</td>'
        f"<td>{against}</td><td>{weights}</td></tr>"
    )


def _digest(text: str) -> str:
    """Twelve digits to see, all on hover and to copy from the report."""
    return f'<code class="digest" title="{escape(text)}">{escape(text[:12])}</code>'
