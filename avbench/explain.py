"""How a number of a report came about, step by step, with the digests that stand behind it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from avbench import cards, catalog, ledger, weights
from avbench.errors import UnknownName, UsageError
from avbench.feature import Frames, ImageReference, OwnWaveform, PromptText, Read, SpeakerReference, Waveform
from avbench.metric import CATEGORIES, CLIPS, Metric, Total
from avbench.report import Report, Result
from avbench.runner import identity

CARD = ("formula", "protocol", "source", "version", "licence", "needs", "notes", "axis")


def explain(report: Report, name: str) -> dict[str, Any]:
    """The derivation of a metric's value, as plain types.

    Args:
        report: any report; one of an older version has no digests, and says so.
        name: ``metric``, or ``metric@protocol`` where the report has several protocols of it.

    Raises:
        UnknownName: the report has no such metric; proposes the nearest.
        UsageError: it did not run, or several protocols of it are there.
    """
    result = named(report, name)
    metric, lack = installed(result.name)
    return {
        "metric": result.name, "title": result.title, "model": report.model, "value": result.value, "unit": result.unit,
        "better": result.better, "reason": result.reason, "kind": result.kind,
        "benchmark": asdict(report.benchmark), "clips": _counts(result), "card": _card(result.name) if metric else {},
        "card_lacks": lack, "checkpoints": _checkpoints(result), "decoded": _reads(report, result.name, metric),
        "features": _features(report, result.name, metric), "reference": _reference(report, result),
        "aggregation": _aggregation(report, result, metric), "interval": asdict(result.interval) if result.interval else None,
        "summaries": dict(result.summaries), "identity": result.identity, "identity_now": _identity_now(report, result, metric),
        "has_digests": bool(report.trace),
    }  # fmt: skip


def named(report: Report, name: str) -> Result:
    """The one result of that name; see ``explain`` for the errors."""
    matches = [r for r in report.metrics if name in (r.name, r.metric)]
    if len(matches) > 1:
        raise UsageError(f"{name} is in the report by several protocols; say which: {', '.join(r.name for r in matches)}.")
    if not matches:
        absent = next((k for k in report.unavailable if name in (k, k.partition("@")[0])), None)
        if absent:
            raise UsageError(f"{absent} was asked for and did not run: {report.unavailable[absent]}")
        raise UnknownName("metric of this report", name, {n for r in report.metrics for n in (r.name, r.metric)})
    return matches[0]


def words_of_read(read: Read) -> str:
    """What a read asks for, in words."""
    if isinstance(read, Frames):
        rate = "every frame" if read.fps is None else f"{read.fps:g} frames per second"
        size = "at the file's size" if read.height is None else f"at most {read.height} rows"
        return f"picture: {rate}, {size}, {'luma' if read.gray else 'RGB'}"
    if isinstance(read, Waveform):
        rate = "the file's rate" if read.rate is None else f"{read.rate} Hz"
        place = " of the clip itself" if isinstance(read, OwnWaveform) else ""
        return f"sound{place}: {rate}, {'first channel' if read.first_channel else 'mean of all channels'}"
    kinds = {PromptText: "the prompt's words", SpeakerReference: "the prompt's voice", ImageReference: "the prompt's picture"}
    return kinds[type(read)]


def installed(name: str) -> tuple[Metric | None, str]:
    """The metric as installed here, or why it is not."""
    try:
        metric: Metric = catalog.load("metric", name)
        return metric, ""
    except UsageError as error:
        return None, str(error)


def _card(name: str) -> dict[str, Any]:
    card = cards.facts(name)
    return {key: card[key] for key in CARD} | {"parameters": card["parameters"]}


def _counts(result: Result) -> dict[str, Any]:
    """N, and the clips without a score under each kind and reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for m in result.missing:
        reasons.setdefault((m.kind, m.reason), []).append(m.clip)
    return {**asdict(result.n), "without": [{"kind": k, "reason": r, "clips": ids} for (k, r), ids in reasons.items()]}


def _checkpoints(result: Result) -> list[dict[str, str]]:
    """As recorded, with source and licence as declared here."""
    known = weights.checkpoints()
    rows = [(asdict(w), known.get(w.name)) for w in result.weights]
    return [{**row, "source": item.source if item else "", "licence": item.licence if item else ""} for row, item in rows]


def _reads(report: Report, name: str, metric: Metric | None) -> list[dict[str, str]]:
    words = {repr(r): words_of_read(r) for f in (metric.uses if metric else ()) for r in f.reads}
    names = list(words)
    if report.trace:
        book = ledger.ledgers(report)[0]
        names = list(dict.fromkeys(book.reads[r] for k in book.metrics[name] for r in book.features[k][1]))
    return [{"read": read, "stage": ledger.stage_of_read(read), "words": words.get(read, read)} for read in names]


def _features(report: Report, name: str, metric: Metric | None) -> list[dict[str, str]]:
    """As recorded; of an older report as installed here."""
    if report.trace:
        book = ledger.ledgers(report)[0]
        identities = [book.features[k][0] for k in book.metrics[name]]
    else:
        identities = [f.identity() for f in metric.uses] if metric else []
    return [feature_facts(text) for text in identities]


def feature_facts(text: str) -> dict[str, str]:
    """An identity ``module.Class(parameters)#v1:checkpoint`` taken apart."""
    head, _, tail = text.rpartition("#v")
    version, _, checkpoint = tail.partition(":")
    module, _, _ = head.partition("(")
    return {"name": head[len(module.rpartition(".")[0]) + 1 :], "module": module.rpartition(".")[0], "version": version,
            "checkpoint": checkpoint, "identity": text}  # fmt: skip


def _reference(report: Report, result: Result) -> dict[str, Any] | None:
    if not result.reference:
        return None
    kept = report.trace.get("reference", {})
    where = kept.get("file") or report.provenance.get("arguments", {}).get("reference") or ""
    return {"digest": result.reference, "where": where, "file_sha256": kept.get("sha256", ""),
            "clips": int(result.summaries.get("reference_clips", 0))}  # fmt: skip


def _aggregation(report: Report, result: Result, metric: Metric | None) -> dict[str, Any]:
    """How clips' scores become the value; a mean is taken again from the scores in the report."""
    if result.kind == "total":
        names = metric.parts if isinstance(metric, Total) else ()
        found = {r.name: r.value for r in report.metrics}
        return {"how": "combined from the values of its parts", "parts": {part: found.get(part) for part in names}}
    if result.kind == "set":
        against = f" against {result.summaries.get('reference_clips', 0):.0f} reference clips" if result.reference else ""
        return {"how": f"one score of the set of {result.n.scored} clips{against}"}
    of = "the size of the scores (early and late do not cancel)" if result.better == "zero" else "the scores"
    kinds = {CLIPS: "", CATEGORIES: ", of the means of their prompts' first categories"}
    over = kinds.get(result.averaged, f", weighted by their {result.averaged}")
    mean = result.mean(result.scores) if result.scores else None
    return {"how": f"mean of {of} of {len(result.scores)} clips{over}", "mean_of_recorded_scores": mean}


def _identity_now(report: Report, result: Result, metric: Metric | None) -> str:
    """The comparability identity as this installation computes it; "" where it cannot."""
    if metric is None:
        return ""
    parts = [r for r in report.metrics if isinstance(metric, Total) and r.name in metric.parts]
    order = {name: k for k, name in enumerate(metric.parts)} if isinstance(metric, Total) else {}
    tail = "\n".join(r.identity for r in sorted(parts, key=lambda r: order[r.name])) if parts else result.reference
    with weights.stand_ins(any(w.status == weights.STAND_IN for w in result.weights)):
        return identity(metric, tail)
