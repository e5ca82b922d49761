"""A metric's declaration as a page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from avbench import catalog
from avbench.metric import Metric, SetMetric


def facts(name: str) -> dict[str, Any]:
    """All that a metric declares, as plain types; raises ``UnknownName``."""
    metric: Metric = catalog.load("metric", name)
    base = name.partition("@")[0]
    entry = catalog.entries("metric")[base]
    missing = catalog.unavailable(metric)
    return {
        "name": base,
        "selected_protocol": catalog.protocol_of(name),
        "axis": entry.axis,
        "from": entry.distribution,
        "kind": "set" if isinstance(metric, SetMetric) else "clip",
        **asdict(metric.card),
        "range": [str(x) if abs(x) == float("inf") else x for x in metric.card.range],
        "parameters": repr(metric),
        "features": [feature.identity() for feature in metric.uses],
        "runs_here": missing is None,
        "why_not": "" if missing is None else str(missing),
    }


def page(card: dict[str, Any]) -> str:
    """The facts as Markdown."""
    low, high = card["range"]
    rows = [
        ("formula", card["formula"]),
        ("better", card["better"]),
        ("unit", card["unit"]),
        ("range", f"{low} to {high}"),
        ("one number per", "clip" if card["kind"] == "clip" else "set of clips, against --reference DIR"),
        ("protocol", f"{card['selected_protocol']}: {card['protocol']}".rstrip(": ")),
        ("source", card["source"]),
        ("version", card["version"]),
        ("licence", card["licence"]),
        ("needs of a prompt", ", ".join(card["needs"]) or "nothing"),
        ("packages", ", ".join(card["packages"]) or "none beyond avbench"),
        ("features", "; ".join(card["features"])),
        ("runs here", "yes" if card["runs_here"] else f"no: {card['why_not']}"),
        ("notes", card["notes"]),
    ]
    lines = [f"# {card['name']}: {card['title']}", ""]
    lines += [f"- **{label}**: {value}" for label, value in rows if value != ""]
    return "\n".join(lines) + "\n"
