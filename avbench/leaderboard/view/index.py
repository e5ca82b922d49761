"""The index: leaderboard, every metric's plots, coverage, clips, provenance, notes."""

from __future__ import annotations

from avbench.leaderboard.rank import Column
from avbench.leaderboard.tables import number
from avbench.leaderboard.view import clip_list, coverage, differences, distributions, leaderboard, provenance
from avbench.leaderboard.view.page import escape, name, page
from avbench.leaderboard.view.subject import DIRECTION, Subject, column_head, search_words

SECTIONS = ("Leaderboard", "Notes", "Metrics", "Coverage", "Clips", "Provenance")


def index(subject: Subject, root: str) -> str:
    """The whole page; ``root`` leads to the folder of style sheet and script."""
    notes = leaderboard.Notes(subject.table)
    table = leaderboard.tables(subject, notes)
    bodies = (table, notes.html(), _metrics(subject), coverage.section(subject), clip_list.section(subject),
              provenance.section(subject))  # fmt: skip
    contents = "".join(f'<li><a href="#{title.lower()}">{title}</a></li>' for title in SECTIONS)
    sections = "".join(
        f'<section id="{title.lower()}"><h2>{title}</h2>{body}</section>' for title, body in zip(SECTIONS, bodies, strict=True)
    )
    return page(
        subject.table.title,
        f'<h1>{name(subject.table.title)}</h1><nav aria-label="Contents"><ul class="contents">{contents}</ul></nav>'
        f"{_filters(subject)}{sections}",
        root=root,
    )


def _filters(subject: Subject) -> str:
    models = "".join(
        f'<label class="m{i % 8}"><input type="checkbox" class="model" value="{i}" checked> <span class="swatch"></span>'
        f"{name(model)}</label> "
        for i, model in enumerate(subject.models)
    )
    return (
        '<p class="scripted controls"><label>metrics <input type="search" id="metric-filter" placeholder="part of a name"></label>'
        f'<span role="group" aria-label="Models shown">models {models}</span></p>'
    )


def _metrics(subject: Subject) -> str:
    return "".join(_metric(place, column, subject) for place, column in enumerate(subject.table.columns))


def _metric(place: int, column: Column, subject: Subject) -> str:
    drawing = distributions.figure(column, subject)
    compared = differences.figures(column, subject)
    words = [DIRECTION[column.result.better]]
    if column.result.better == "zero":
        words.append("marks and histogram show signed scores, dots their signed mean; the table ranks the mean size")
    if column.result.kind != "clip":
        words.append("one number for the whole set of clips" if column.result.kind == "set" else "worked out from other metrics")
    figure = f"<figure>{drawing}</figure>" if drawing else ""
    plots = f'<div class="beside">{figure}{_summaries(column, subject)}</div>'
    if compared:
        plots += f"<details open><summary>Paired differences to {name(subject.models[0])}</summary>{compared}</details>"
    return (
        f'<article class="metric" id="metric-{place}" data-metric="{search_words(column)}"><h3>{column_head(column)}</h3>'
        f"<p>{escape('; '.join(words))}.</p>{plots}</article>"
    )


def _summaries(column: Column, subject: Subject) -> str:
    """Numbers beside the mean, such as the share within a band; never ranked."""
    results = subject.results(column)
    keys = list(dict.fromkeys(key for r in results if r is not None for key in r.summaries))
    if not keys:
        return ""
    heads = "".join(f'<th scope="col">{escape(key.replace("_", " "))}</th>' for key in keys)
    rows = "".join(
        f'<tr><th scope="row">{name(subject.models[i])}</th>'
        + "".join(f"<td>{number(r.summaries[key]) if key in r.summaries else '–'}</td>" for key in keys)
        + "</tr>"
        for i, r in enumerate(results)
        if r is not None
    )
    return f'<table class="small"><thead><tr><th scope="col">also</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
