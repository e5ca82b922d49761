"""A metric's declaration as a page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from avbench import catalog, weights
from avbench.metric import Metric, SetMetric, Total


def facts(name: str) -> dict[str, Any]:
    """All that a metric declares, as plain types; raises ``UnknownName``."""
    metric: Metric = catalog.load("metric", name)
    base = name.partition("@")[0]
    entry = catalog.entries("metric")[base]
    missing = catalog.unavailable(metric)
    return {
        "name": base,
        "protocols": list(catalog.protocols(base)),
        "selected_protocol": catalog.protocol_of(name),
        "axis": entry.axis,
        "from": entry.distribution,
        "kind": "set" if isinstance(metric, SetMetric) else "total" if isinstance(metric, Total) else "clip",
        "parts": list(metric.parts) if isinstance(metric, Total) else [],
        **asdict(metric.card),
        "range": [str(x) if abs(x) == float("inf") else x for x in metric.card.range],
        "parameters": repr(metric),
        "checkpoints": list(metric.checkpoints),
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
        ("one number per", {"clip": "clip", "set": "set of clips", "total": "run, from " + ", ".join(card["parts"])}[card["kind"]]),
        ("protocol", f"{card['selected_protocol']}: {card['protocol']}".rstrip(": ")),
        ("source", card["source"]),
        ("version", card["version"]),
        ("other protocols", ", ".join(p for p in card["protocols"] if p != card["selected_protocol"])),
        ("licence", card["licence"]),
        ("needs of a prompt", ", ".join(card["needs"]) or "nothing"),
        ("packages", ", ".join(card["packages"]) or "none beyond avbench"),
        ("checkpoints", "; ".join(_checkpoint(name) for name in card["checkpoints"]) or "none"),
        ("features", "; ".join(card["features"])),
        ("runs here", "yes" if card["runs_here"] else f"no: {card['why_not']}"),
        ("notes", card["notes"]),
    ]
    lines = [f"# {card['name']}: {card['title']}", ""]
    lines += [f"- **{label}**: {value}" for label, value in rows if value != ""]
    return "\n".join(lines) + "\n"


def _checkpoint(name: str) -> str:
    """One checkpoint with its source, licence and state."""
    item, found = weights.checkpoint(name), weights.state(name)
    return f"{name} ({item.what}; {item.source}; licence: {item.licence}; {found.status} here)"
