"""Which clips have no score, and why."""

from __future__ import annotations

from collections import Counter

from avbench.leaderboard.view.page import escape, name, region
from avbench.leaderboard.view.subject import Subject, column_head, search_words
from avbench.report import Missing, Result


def section(subject: Subject) -> str:
    """Counts by kind for each metric and model, and a list of every gap with its reason."""
    heads = "".join(f'<th scope="col" data-model="{i}">{name(model)}</th>' for i, model in enumerate(subject.models))
    rows = []
    for column in subject.table.columns:
        cells = "".join(f'<td data-model="{i}">{_cell(r, subject)}</td>' for i, r in enumerate(subject.results(column)))
        rows.append(f'<tr data-metric="{search_words(column)}"><th scope="row">{column_head(column)}</th>{cells}</tr>')
    return region(
        "Coverage",
        "<table><caption>Clips with a score, and the others by kind; press a count for the reasons</caption>"
        f'<thead><tr><th scope="col">metric</th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>',
    )


def _cell(result: Result | None, subject: Subject) -> str:
    if result is None:
        return '<span class="gap">not run</span>'
    scored = f"{_bar(result)}{result.n.scored}/{result.n.expected}"
    if not result.missing:
        return scored
    counts = Counter(missing.kind for missing in result.missing)
    kinds = ", ".join(f"{count} {escape(kind)}" for kind, count in sorted(counts.items()))
    gaps = "".join(_gap(missing, subject) for missing in result.missing)
    return f'{scored}<details class="gaps"><summary>{kinds}</summary><ul>{gaps}</ul></details>'


def _gap(missing: Missing, subject: Subject) -> str:
    return f'<li>{subject.link(missing.clip)} <span class="kind">{escape(missing.kind)}</span> {escape(missing.reason)}</li>'


def _bar(result: Result) -> str:
    """Scored, not applicable, failed as shares of a bar."""
    n, x, parts = result.n, 0.0, ""
    for kind, count in (("scored", n.scored), ("inapplicable", n.not_applicable), ("failed", n.failed)):
        wide = 100 * count / max(1, n.expected)
        parts += f'<rect class="{kind}" x="{x:.2f}" width="{wide:.2f}" height="6"/>' if count else ""
        x += wide
    words = f"{n.scored} scored, {n.not_applicable} not applicable, {n.failed} failed or missing"
    return f'<svg class="share" width="100" height="6" viewBox="0 0 100 6" role="img" aria-label="{words}">{parts}</svg>'
