"""One clip's way from its file to its score: what a report recorded of it, and what the file gives now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from avbench import catalog, ledger, weights
from avbench.clip import Clip, Prompt
from avbench.errors import MediaError, UnknownName, Unscorable, UsageError, printable
from avbench.explain import feature_facts, installed, named
from avbench.extract import Extractor
from avbench.feature import Frames, ImageReference, PromptText, Read, SpeakerReference, Waveform
from avbench.metric import Metric
from avbench.pairing import side_car
from avbench.recorded import Places, clip_path, prompts
from avbench.report import Report, Result


def explain_clip(report: Report, name: str, clip: str, places: Places | None = None) -> dict[str, Any]:
    """One clip's way to its score, as plain types: what is recorded, and what the file gives now.

    Args:
        report: as ``explain``.
        name: as ``explain``.
        clip: its id.
        places: where clips and prompts lie now, if not where they lay.

    Raises:
        UnknownName: no such metric or clip; proposes the nearest.
        UsageError: the metric has no clips of its own (a total), or the prompts cannot be read again.
    """
    result, places = named(report, name), places or Places()
    missing = {m.clip: m for m in result.missing}
    if result.kind == "total":
        raise UsageError(f"{result.name} is a total of other metrics and reads no clip; explain one of its parts.")
    if clip not in report.clips and clip not in missing:
        raise UnknownName("clip of this report", clip, {*report.clips, *missing})
    facts: dict[str, Any] = {"metric": result.name, "clip": clip, "outcome": _outcome(result, clip), "unit": result.unit}
    if clip not in report.clips:
        return {**facts, "file": None, "prompt": {}, "decoded": [], "features": [], "now": "no file answers this prompt"}
    benchmark, path = catalog.load("benchmark", report.benchmark.name), clip_path(report, clip, places)
    beside = side_car(path, benchmark)
    facts["file"] = _file(Clip(path, Prompt(clip), beside), report.clips[clip]["sha256"])
    metric, lack = installed(result.name)
    if metric is None or not report.trace:
        lack = lack or "the report is of an older version and holds neither digests nor arguments"
        return {**facts, "prompt": {}, "decoded": [], "features": [], "now": lack}
    prompt = prompts(report, places).get(clip, Prompt(clip))
    steps = ledger.ledgers(report)[0].stages(result.name, clip)
    asked = report.provenance["arguments"]
    with weights.stand_ins(asked["stand_in"]):
        now = _judged(metric, Clip(path, prompt, beside), asked["device"])
    rows = [(s, {"digest": s.digest, **now.get(s.what, {})}) for s in steps[2:]]
    decoded = [{"stage": s.name, "read": s.what, **row} for s, row in rows if s.name != "feature"]
    features = [{**feature_facts(s.what), **row} for s, row in rows if s.name == "feature"]
    return {**facts, "prompt": _prompt_facts(metric, prompt), "prompt_digest": steps[1].digest, "decoded": decoded,
            "features": features, "now": now.get("", "")}  # fmt: skip


def _outcome(result: Result, clip: str) -> dict[str, Any]:
    for score in result.scores:
        if score.clip == clip:
            return {"kind": "scored", "value": score.value, "cluster": score.cluster, "details": dict(score.details)}
    for gap in result.missing:
        if gap.clip == clip:
            return {"kind": gap.kind, "reason": gap.reason}
    return {"kind": "in the set", "reason": "A set metric scores no single clip."}


def _file(clip: Clip, recorded: str) -> dict[str, str]:
    try:
        now = clip.digest
    except MediaError:
        now = ""
    state = "the same" if now == recorded else "changed" if now else "gone"
    return {"path": printable(str(clip.path)), "sha256": recorded, "sha256_now": now, "state": state}


def _prompt_facts(metric: Metric, prompt: Prompt) -> dict[str, Any]:
    """The prompt's fields that the metric or its features look at."""
    reads = {type(read) for feature in metric.uses for read in feature.reads}
    fields = set(metric.card.needs) | {"cluster"}
    fields |= {"text", "audio_text", "audio_texts", "speech"} if PromptText in reads else set()
    fields |= {"speaker"} if SpeakerReference in reads else set()
    fields |= {"image"} if ImageReference in reads else set()
    facts = {name: getattr(prompt, name) for name in sorted(fields)}
    return {name: str(x) if isinstance(x, Path) else x for name, x in facts.items() if x}


def _judged(metric: Metric, clip: Clip, device: str) -> dict[str, Any]:
    """What the file gives now: facts by read (repr) and feature (identity); under "" why there is none."""
    lack = catalog.unavailable(metric)
    reads = tuple(dict.fromkeys(r for f in metric.uses for r in f.reads))
    found: dict[str, Any] = {}
    try:
        clip.decode(reads)
        found = {repr(read): _shape(clip, read) for read in reads}
    except Unscorable as error:
        found = {repr(read): {"failure": error.reason} for read in reads}
    clip.release()
    if lack is not None:
        return {**found, "": str(lack)}
    (extracted,) = Extractor(metric.uses, None, device)([clip])
    for read in reads:
        found[repr(read)]["digest_now"] = extracted.trace.inputs[read]
    for feature, value in extracted.values.items():
        array = None if isinstance(value, Exception) else np.asarray(value)
        facts = {"failure": str(value)} if array is None else {"shape": list(array.shape), "dtype": str(array.dtype)}
        found[feature.identity()] = {**facts, "digest_now": extracted.trace.features[feature]}
    return found


def _shape(clip: Clip, read: Read) -> dict[str, Any]:
    """What a read gives: pictures with count, rows, columns and mean rate; samples with their rate."""
    try:
        if isinstance(read, Frames):
            images, times = clip.frames(read)
            span = float(times[-1] - times[0])
            rate = (len(times) - 1) / span if span > 0 else 0.0
            return {"frames": len(images), "rows": images.shape[1], "columns": images.shape[2], "frames_per_second": round(rate, 3)}
        if isinstance(read, Waveform):
            samples, hertz = clip.waveform(read)
            return {"samples": len(samples), "rate": hertz, "seconds": round(len(samples) / hertz, 3)}
    except Unscorable as error:
        return {"failure": error.reason}
    return {}
