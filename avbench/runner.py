"""Pair -> extract -> score -> summarize -> report."""

from __future__ import annotations

import hashlib
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from avbench import catalog
from avbench.benchmark import Benchmark, prompt_digest
from avbench.clip import Clip, Prompt
from avbench.errors import Unscorable, UsageError
from avbench.extract import Counts as ExtractCounts
from avbench.feature import Sample
from avbench.judge import Outcome, Plan, judge_all, lacks
from avbench.metric import ClipMetric, Metric, Score, SetMetric
from avbench.pairing import Pairing, pair
from avbench.report import BenchmarkFacts, ClipScore, Counts, Missing, Report, Result
from avbench.statistics import mean_interval
from avbench.store import decoder_identity, default_root

Progress = Callable[[str, int, int], None]
AVAILABLE = "available"


@dataclass(frozen=True)
class Side:
    """One folder's outcomes, keyed by clip id."""

    clips: Mapping[str, Clip]
    outcomes: Mapping[str, Outcome]
    missing: tuple[Missing, ...] = ()

    def digest(self) -> str:
        """sha256 over the clips' digests, whatever their names and order."""
        digests = sorted(outcome.digest for outcome in self.outcomes.values())
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()


@dataclass
class Request:
    """The arguments of ``run`` after names have been looked up."""

    name: str
    benchmark: Benchmark
    prompts: list[Prompt]
    pairing: Pairing
    metrics: dict[str, Metric]
    unavailable: dict[str, str] = field(default_factory=dict)
    reference: Pairing | None = None


def run(
    clips: str | Path,
    benchmark: str = "folder",
    *,
    prompts: str | Path | None = None,
    metrics: Sequence[str] | str | None = None,
    model: str | None = None,
    reference: str | Path | None = None,
    only_present: bool = False,
    limit: int | None = None,
    store: str | Path | None = "",
    workers: int = 1,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Report:
    """Judge a folder of clips.

    Args:
        clips: folder of clips, or a manifest (``.jsonl``).
        benchmark: name of a benchmark; ``folder`` takes every clip there is and asks nothing of it.
        prompts: the benchmark's prompt file, where it needs one.
        metrics: names (``name`` or ``name@protocol``); None takes the benchmark's own; ``"available"`` takes those of
            the benchmark that can run here and lists the others with the reason.
        model: the name in tables; the folder's name by default.
        reference: folder of reference clips for set metrics.
        only_present: limit the benchmark to the prompts whose clips exist; the report says so.
        limit: only the first prompts of the benchmark.
        store: folder of the feature store; "" is the default one, None keeps nothing.
        workers: processes; results do not depend on it.
        device: where networks run.
        progress: called with (what, done, total).

    Raises:
        UsageError: anything that can be known before the first clip is opened.
        AvbenchError: a feature or metric broke. What is wrong with a clip is never raised: it stands in the report.

    Example:
        >>> import avbench
        >>> folder = getfixture("toybox_folder")  # four clips that the Toybox rendered
        >>> report = avbench.run(folder, metrics=["loudness", "frozen"], store=None)
        >>> report["frozen"].n
        Counts(expected=4, scored=4, failed=0, not_applicable=0)
        >>> report.to_pandas("summary")["metric"].tolist()
        ['loudness', 'frozen']
    """
    started = time.time()
    request = _resolve(Path(clips), benchmark, prompts, metrics, reference, only_present, limit)
    root = default_root() if store == "" else Path(store) if store is not None else None
    counts = ExtractCounts()
    side = _judge_side(request.pairing, Plan(request.metrics, root, device), workers, counts, progress, "clips")
    reference_side = None
    if request.reference is not None:
        sets = {name: m for name, m in request.metrics.items() if isinstance(m, SetMetric)}
        reference_side = _judge_side(request.reference, Plan(sets, root, device), workers, counts, progress, "reference")
    results = [_result(name, metric, request, side, reference_side) for name, metric in request.metrics.items()]
    cost = {"wall_seconds": round(time.time() - started, 3), "workers": workers, "device": device, **asdict(counts)}
    return Report(
        model=model or Path(clips).resolve().name,
        benchmark=_facts(request),
        metrics=tuple(results),
        unavailable=request.unavailable,
        clips={i: {"path": str(c.path), "sha256": side.outcomes[i].digest} for i, c in side.clips.items()},
        extra=tuple({"file": name, "reason": reason} for name, reason in request.pairing.extra),
        notes=tuple(_notes(side, reference_side)),
        provenance={**provenance(), **cost},
    )


def _resolve(
    clips: Path,
    name: str,
    prompts_path: str | Path | None,
    metrics: Sequence[str] | str | None,
    reference: str | Path | None,
    only_present: bool,
    limit: int | None,
) -> Request:
    """Everything that can be known before the first clip is opened."""
    benchmark: Benchmark = catalog.load("benchmark", name)
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit} asks for no prompt; give 1 or more.")
    prompts = benchmark.prompts(Path(prompts_path) if prompts_path else None, limit)
    wanted = benchmark.metrics if metrics is None or metrics == AVAILABLE else metrics
    if isinstance(wanted, str):
        raise UsageError(f"metrics={wanted!r} is one string; pass a list of names, or 'available'.")
    chosen: dict[str, Metric] = {}
    for item in wanted:
        key = (
            f"{item.partition('@')[0]}@{catalog.protocol_of(item)}" if item.partition("@")[0] in catalog.entries("metric") else item
        )
        chosen[key] = catalog.load("metric", item)
    pairing = pair(prompts, clips, benchmark, only_present)
    asked = [clip.prompt for clip in pairing.clips] if benchmark.open_set else prompts
    unavailable: dict[str, str] = {}
    for key, metric in list(chosen.items()):
        reason = _cannot(metric, asked, reference)
        if reason and metrics != AVAILABLE:
            raise UsageError(f"{key} cannot run: {reason} Or pass --metrics available to leave out what cannot run.")
        if reason:
            unavailable[key] = reason
            del chosen[key]
    if not chosen:
        raise UsageError("No metric is left to run: " + " ".join(f"{k}: {r}" for k, r in unavailable.items()))
    folder = catalog.load("benchmark", "folder")
    against = pair([], Path(reference), folder) if reference and any(isinstance(m, SetMetric) for m in chosen.values()) else None
    return Request(name, benchmark, prompts, pairing, chosen, unavailable, against)


def _cannot(metric: Metric, prompts: Sequence[Prompt], reference: str | Path | None) -> str:
    missing = catalog.unavailable(metric)
    if missing is not None:
        return str(missing) + "."
    if isinstance(metric, SetMetric) and reference is None:
        return "it compares with a reference set; pass --reference DIR."
    reasons = [lacks(metric, prompt) for prompt in prompts]
    if reasons and all(reasons):
        return f"No prompt of the benchmark fits: {reasons[0]}"
    return ""


def _judge_side(pairing: Pairing, plan: Plan, workers: int, counts: ExtractCounts, progress: Progress | None, what: str) -> Side:
    outcomes: dict[str, Outcome] = {}
    total = len(pairing.clips)
    if progress:
        progress(what, 0, total)
    for outcome in judge_all(pairing.clips, plan, workers, counts):
        outcomes[outcome.clip] = outcome
        if progress:
            progress(what, len(outcomes), total)
    missing = tuple(Missing(str(i), kind, reason) for i, kind, reason in pairing.missing)
    return Side({clip.id: clip for clip in pairing.clips}, outcomes, missing)


def _result(name: str, metric: Metric, request: Request, side: Side, reference: Side | None) -> Result:
    base, _, protocol = name.partition("@")
    common: dict[str, Any] = {
        "metric": base,
        "protocol": protocol,
        "title": metric.card.title,
        "unit": metric.card.unit,
        "better": metric.card.better,
    }
    if isinstance(metric, ClipMetric):
        return Result(**common, identity=identity(metric), **_clip_result(name, metric, request, side))
    assert isinstance(metric, SetMetric) and reference is not None
    against = reference.digest()
    return Result(
        **common, kind="set", identity=identity(metric, against), reference=against, **_set_result(metric, side, reference)
    )


def identity(metric: Metric, reference: str = "") -> str:
    """sha256 over all that must agree before two values may share a column."""
    parts = [f"{type(metric).__module__}.{metric!r}", str(metric.card.version), metric.card.protocol, reference]
    parts += [feature.identity() for feature in metric.uses]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _clip_result(name: str, metric: ClipMetric, request: Request, side: Side) -> dict[str, Any]:
    prompts = {prompt.id: prompt for prompt in request.prompts}
    scores = [outcome.scores[name] for outcome in side.outcomes.values()]
    scored = [s for s in scores if s.value is not None]
    rows = tuple(_clip_score(s, side.clips[s.clip].prompt) for s in scored)
    missing = [Missing(s.clip, s.kind, s.reason) for s in scores if s.value is None]
    for gap in side.missing:
        lack = lacks(metric, prompts[gap.clip]) if gap.clip in prompts else ""
        missing.append(Missing(gap.clip, "not_applicable", lack) if lack else gap)
    skipped = sum(m.kind == "not_applicable" for m in missing)
    counts = Counts(len(rows) + len(missing), len(rows), len(missing) - skipped, skipped)
    facts: dict[str, Any] = {"n": counts, "missing": tuple(missing), "scores": rows, "value": None, "interval": None}
    if not rows:
        return {**facts, "reason": "No clip could be scored"}
    raw = [row.value for row in rows]
    values = [abs(x) for x in raw] if metric.card.better == "zero" else raw
    summaries = {**({"signed_mean": float(np.mean(raw))} if metric.card.better == "zero" else {}), **metric.summaries(raw)}
    low, high = metric.card.range
    bounds = (0.0, max(abs(low), abs(high))) if metric.card.better == "zero" else (low, high)
    interval = mean_interval(values, [row.cluster for row in rows], bounds)
    return {**facts, "value": float(np.mean(values)), "interval": interval, "summaries": summaries}


def _clip_score(score: Score, prompt: Prompt) -> ClipScore:
    assert score.value is not None
    return ClipScore(score.clip, prompt.cluster or prompt.id, score.value, score.details)


def _set_result(metric: SetMetric, side: Side, reference: Side) -> dict[str, Any]:
    generated, missing = _usable(metric, side)
    others, _ = _usable(metric, reference)
    counts = Counts(len(generated) + len(missing), len(generated), len(missing), 0)
    facts: dict[str, Any] = {"n": counts, "missing": tuple(missing), "value": None, "interval": None}
    smaller = min(len(generated), len(others))
    if smaller < metric.minimum:
        return {**facts, "reason": f"a set needs {metric.minimum} clips; {len(generated)} generated and {len(others)} "
                "reference clips are usable"}  # fmt: skip
    try:
        value = float(metric.score(generated, others))
    except Unscorable as error:
        return {**facts, "reason": error.reason}
    low, high = metric.card.range
    if not low <= value <= high:
        return {**facts, "reason": f"The distance came out as {value}, outside its range [{low}, {high}]."}
    return {**facts, "value": value, "summaries": {"reference_clips": float(len(others))}}


def _usable(metric: SetMetric, side: Side) -> tuple[list[Sample], list[Missing]]:
    samples: list[Sample] = []
    missing = list(side.missing)
    for i, outcome in side.outcomes.items():
        error = next((e for f in metric.uses if isinstance(e := outcome.kept[f], Unscorable)), None)
        if error is None:
            samples.append(Sample(i, side.clips[i].prompt, outcome.kept))
        else:  # a set metric has no clip to which its question does not apply: its N falls short
            missing.append(Missing(i, "failed" if error.kind == "not_applicable" else error.kind, error.reason))
    return samples, missing


def _facts(request: Request) -> BenchmarkFacts:
    prompts = [clip.prompt for clip in request.pairing.clips]
    if not request.pairing.limited and not request.benchmark.open_set:
        prompts = request.prompts
    limited = request.pairing.limited
    return BenchmarkFacts(
        name=request.name,
        version=request.benchmark.version,
        title=request.benchmark.title,
        prompts_sha256=prompt_digest(prompts),
        prompts=len(prompts),
        prompts_in_benchmark=len(prompts) if request.benchmark.open_set else len(request.prompts),
        limited_to_present=limited,
    )


def _notes(side: Side, reference: Side | None) -> list[str]:
    notes: list[str] = []
    by_digest: dict[str, list[str]] = {}
    for outcome in side.outcomes.values():
        if outcome.digest:
            by_digest.setdefault(outcome.digest, []).append(outcome.clip)
    notes += [f"These clips are the same file, byte for byte: {', '.join(ids)}." for ids in by_digest.values() if len(ids) > 1]
    if reference is not None:
        shared = set(by_digest) & {o.digest for o in reference.outcomes.values()}
        if shared:
            notes.append(f"{len(shared)} clips also stand in the reference set; a distance to it flatters them.")
        broken = [i for i, o in reference.outcomes.items() if any(isinstance(v, Unscorable) for v in o.kept.values())]
        if broken or reference.missing:
            count = len(broken) + len(reference.missing)
            notes.append(f"{count} reference clips could not be used: {', '.join(broken[:5])}.")
    return notes


def provenance() -> dict[str, Any]:
    """Versions and machine."""
    packages = {}
    for name in ("avbench", "numpy", "scipy", "av", "soxr", "opencv-python-headless", "torch", "librosa", "resemblyzer"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "versions": packages,
        "decoder": decoder_identity(),
    }
