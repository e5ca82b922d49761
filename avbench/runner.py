"""Pair -> extract -> score -> summarize -> report."""

from __future__ import annotations

import hashlib
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from avbench import catalog, ledger, libraries, weights
from avbench.benchmark import Benchmark, prompt_digest
from avbench.clip import Clip, Prompt
from avbench.errors import Unscorable, UsageError, printable
from avbench.extract import Counts as ExtractCounts
from avbench.feature import Feature, Sample
from avbench.judge import Outcome, Plan, blamed_on, check_device, judge_all, lacks, settled
from avbench.metric import CATEGORIES, CLIPS, ClipMetric, Metric, Score, SetMetric, Total
from avbench.origin import origin_of
from avbench.pairing import Pairing, pair, pair_reference
from avbench.preflight import misfit
from avbench.reference import Header, import_features, set_digest
from avbench.reference import header as reference_header
from avbench.reference import read as read_reference
from avbench.reference import write as write_reference
from avbench.report import BenchmarkFacts, ClipScore, Counts, Missing, Report, Result, Weights, weighing
from avbench.statistics import mean_interval
from avbench.store import decoder_identity, default_root
from avbench.uncertainty import Uncertainty, gap_notes, total_uncertainty, uncertainty

Progress = Callable[[str, int, int], None]
AVAILABLE = "available"


@dataclass(frozen=True)
class Side:
    """One folder's outcomes, keyed by clip id; a reference file has no clips."""

    clips: Mapping[str, Clip]
    outcomes: Mapping[str, Outcome]
    missing: tuple[Missing, ...] = ()

    def digest(self) -> str:
        """sha256 over the clips' digests, whatever their names and order."""
        return set_digest([outcome.digest for outcome in self.outcomes.values()])

    def origin(self) -> dict[str, Any]:
        """What ``avbench generate`` noted of the clips; a file that cannot be read says nothing."""
        return origin_of({clip.path: sha256 for i, clip in self.clips.items() if (sha256 := self.outcomes[i].digest)})

    def rows(self) -> list[tuple[Clip, Outcome]]:
        """Each clip with its outcome."""
        return [(clip, self.outcomes[i]) for i, clip in self.clips.items()]

    def prompt(self, clip: str) -> Prompt:
        """What the clip answers."""
        return self.clips[clip].prompt if clip in self.clips else Prompt(clip)


@dataclass(frozen=True)
class Judged:
    """What came of a request: both folders' outcomes, and one result per metric."""

    side: Side
    reference: Side | None
    results: tuple[Result, ...]

    def trace(self, request: Request) -> dict[str, Any]:
        """What ``avbench replay`` will want to know of it (see ``avbench.ledger``)."""
        file = request.reference if isinstance(request.reference, Path) else None
        against = file or (self.reference.rows() if self.reference else None)
        return ledger.record(request.metrics, self.side.rows(), against, request.pairing.missing)


@dataclass
class Request:
    """The arguments of ``run`` after names have been looked up."""

    name: str
    benchmark: Benchmark
    prompts: list[Prompt]
    pairing: Pairing
    metrics: dict[str, Metric]
    unavailable: dict[str, str] = field(default_factory=dict)
    reference: Pairing | Path | None = None
    gaps: dict[str, Mapping[str, str]] = field(default_factory=dict)  # metric to what its sub-samples could not give


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
    stand_in: bool = False,
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
        reference: folder of reference clips for set metrics, or a file made by ``avbench reference export``.
        only_present: limit the benchmark to the prompts whose clips exist; the report says so.
        limit: only the first prompts of the benchmark.
        store: folder of the feature store; "" is the default one, None keeps nothing.
        workers: processes; results do not depend on it.
        device: where networks run.
        stand_in: use small untrained networks in the place of checkpoints, to see that everything runs; such numbers mean
            nothing, say so in every column, are not ranked and enter no leaderboard.
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
    check_device(device)
    arguments = ledger.arguments(clips=clips, benchmark=benchmark, prompts=prompts, metrics=metrics, reference=reference,
                                 only_present=only_present, limit=limit, device=device, stand_in=stand_in)  # fmt: skip
    with weights.stand_ins(stand_in):
        request = _resolve(Path(clips), benchmark, prompts, metrics, reference, only_present, limit, device)
        root = default_root() if store == "" else Path(store) if store is not None else None
        counts = ExtractCounts()
        plan = Plan(request.metrics, root, device, weights.stand_in())
        judged = judge(request, plan, workers, counts, progress)
        side = judged.side
        cost = {"wall_seconds": round(time.time() - started, 3), "workers": workers, "device": device, **asdict(counts)}
        return Report(
            model=printable(model or Path(clips).resolve().name),
            benchmark=facts(request),
            metrics=judged.results,
            unavailable=request.unavailable,
            clips={i: _clip_facts(clip, side.outcomes[i].digest) for i, clip in side.clips.items()},
            extra=tuple({"file": name, "reason": reason} for name, reason in request.pairing.extra),
            notes=(*_notes(request.metrics, side, judged.reference), *_origin(request.reference), *gap_notes(request.gaps)),
            provenance={**provenance(request.metrics.values()), **cost, "made_by": side.origin(), "arguments": arguments},
            trace=judged.trace(request),
        )


def judge(request: Request, plan: Plan, workers: int, counts: ExtractCounts, progress: Progress | None = None) -> Judged:
    """Judge the clips that a request has found; ``counts`` is added to. Raises ``AvbenchError`` where a feature or metric broke."""
    with settled():
        side = _judge_side(request.pairing, plan, workers, counts, progress, "clips")
        reference = _reference_side(request.reference, plan, workers, counts, progress)
        return Judged(side, reference, tuple(_results(request, side, reference)))


def export_reference(
    clips: str | Path,
    path: str | Path,
    metrics: Sequence[str],
    *,
    benchmark: str = "folder",
    prompts: str | Path | None = None,
    store: str | Path | None = "",
    device: str = "cpu",
    progress: Progress | None = None,
) -> Header:
    """Save what set metrics want of a folder of real clips, so that others can compare with it without the clips.

    Args:
        clips: folder of reference clips.
        path: the ``.npz`` to write.
        metrics: set metrics, by ``name`` or ``name@protocol``.
        benchmark, prompts: whose naming rule gives the clips their ids; metrics of pairs (``kl_passt``) find partners by them.

    Raises:
        UsageError: no clip, no set metric, a metric that cannot run here, or a file that cannot be written.
    """
    check_device(device)
    chosen = _comparing(metrics)
    for name, metric in chosen.items():
        reason = catalog.unavailable(metric)
        if reason is not None:
            raise UsageError(f"{name} cannot run: {str(reason).rstrip('.')}.")
    bench: Benchmark = catalog.load("benchmark", benchmark)
    asked = bench.prompts(Path(prompts) if prompts else None)
    pairing = pair_reference(asked, Path(clips), bench)
    root = default_root() if store == "" else Path(store) if store is not None else None
    with settled():
        side = _judge_side(pairing, Plan(chosen, root, device), 1, ExtractCounts(), progress, "reference")
    made = provenance(chosen.values())
    return write_reference(
        Path(path), list(side.outcomes.values()), _compared(chosen), {**made["versions"], "decoder": made["decoder"]}
    )


def import_reference(source: str | Path, path: str | Path, metrics: Sequence[str]) -> Header:
    """Make a reference file of features that others published, such as JavisBench's ``JavisBench-mini-vanilla-max4s.pt``.

    Args:
        source: see ``avbench.reference.import_features``, with the errors.
        path: the ``.npz`` to write.
        metrics: set metrics, by ``name`` or ``name@protocol``.
    """
    if not Path(source).is_file():
        raise UsageError(f"There is no file {source}.")
    return import_features(Path(path), Path(source), _compared(_comparing(metrics)))


def _comparing(metrics: Sequence[str]) -> dict[str, Metric]:
    """Metrics by name; raises ``UsageError`` where one needs no reference set, or none is named."""
    chosen: dict[str, Metric] = {name: catalog.load("metric", name) for name in metrics}
    for name, metric in chosen.items():
        if not _compares(metric):
            raise UsageError(f"{name} compares with no reference set; name metrics such as fvd or fad.")
    if not chosen:
        raise UsageError("No metric is named; name set metrics such as fvd or fad.")
    return chosen


def _resolve(
    clips: Path,
    name: str,
    prompts_path: str | Path | None,
    metrics: Sequence[str] | str | None,
    reference: str | Path | None,
    only_present: bool,
    limit: int | None,
    device: str,
) -> Request:
    """Everything that can be known before the first clip is opened."""
    benchmark: Benchmark = catalog.load("benchmark", name)
    reference = reference or None
    if reference is not None and not Path(reference).exists():
        raise UsageError(f"There is no reference {reference}; pass a folder of clips or a file of avbench reference export.")
    prompts = benchmark.prompts(Path(prompts_path) if prompts_path else None)
    wanted = benchmark.metrics if metrics is None or metrics == AVAILABLE else metrics
    if isinstance(wanted, str):
        raise UsageError(f"metrics={wanted!r} is one string; pass a list of names, or 'available'.")
    if not wanted:
        raise UsageError("No metric is named; name one or more (see: avbench list metrics), or leave --metrics out.")
    chosen = _chosen(wanted)
    pairing = pair(prompts, clips, benchmark, only_present, limit)
    asked = list(pairing.prompts)
    unavailable: dict[str, str] = {}
    for key, metric in sorted(chosen.items(), key=lambda row: isinstance(row[1], Total)):
        reason = _cannot(key, metric, benchmark, asked, reference) or _lacking_part(metric, chosen) or _misfit(metric, device)
        if reason and metrics != AVAILABLE:
            raise UsageError(f"{key} cannot run: {reason} Or pass --metrics available to leave out what cannot run.")
        if reason:
            unavailable[key] = reason
            del chosen[key]
    if not chosen:
        raise UsageError("No metric is left to run: " + " ".join(f"{k}: {r}" for k, r in unavailable.items()))
    against: Pairing | Path | None = None
    if reference and any(_compares(m) for m in chosen.values()):
        path = Path(reference)
        if path.is_file() and path.suffix != ".npz":
            raise UsageError(f"{path} is no reference file; if it holds features that others computed, make one of it: avbench "
                             f"reference import OUT.npz --from {path} --metrics A,B")  # fmt: skip
        against = path if path.suffix == ".npz" else pair_reference(prompts, path, benchmark)
        if isinstance(against, Path):
            read_reference(path, _compared(chosen))  # a file that does not fit is known before the first clip is opened
    return Request(name, benchmark, asked, pairing, chosen, unavailable, against)


def _chosen(wanted: Sequence[str]) -> dict[str, Metric]:
    """Metrics by full name in the order asked for; the parts of a total stand before it."""
    chosen: dict[str, Metric] = {}
    for item in wanted:
        metric: Metric = catalog.load("metric", item)
        if isinstance(metric, Total):
            chosen.update({key: part for key, part in _chosen(metric.parts).items() if key not in chosen})
        chosen[catalog.full_name(item)] = metric
    return chosen


def _lacking_part(metric: Metric, chosen: Mapping[str, Metric]) -> str:
    """A total whose parts cannot all run may still say something (the official ones do); one without any part cannot."""
    if isinstance(metric, Total) and not any(part in chosen for part in metric.parts):
        return f"none of its parts can run ({', '.join(metric.parts)})."
    return ""


def _misfit(metric: Metric, device: str) -> str:
    reason = misfit(metric, device)
    return reason.rstrip(".") + "." if reason else ""


def _compares(metric: Metric) -> bool:
    return isinstance(metric, SetMetric) and metric.needs_reference


def _compared(metrics: Mapping[str, Metric]) -> tuple[Feature, ...]:
    """The features that metrics want of a reference set, each once."""
    return tuple(dict.fromkeys(f for m in metrics.values() if _compares(m) for f in m.uses))


def _not_asked(name: str, metric: Metric, benchmark: Benchmark, prompt: Prompt) -> str:
    """Why the metric does not apply to a prompt, whatever its clip; "" where it does."""
    return benchmark.out_of_scope(name, prompt) or lacks(metric, prompt)


def _in_scope(score: Score, name: str, benchmark: Benchmark, side: Side) -> Score:
    """The score, or that the benchmark does not ask for it."""
    reason = benchmark.out_of_scope(name, side.prompt(score.clip))
    return Score(score.clip, None, "not_applicable", reason) if reason else score


def _cannot(name: str, metric: Metric, benchmark: Benchmark, prompts: Sequence[Prompt], reference: str | Path | None) -> str:
    missing = catalog.unavailable(metric)
    if missing is not None:
        return str(missing).rstrip(".") + "."
    if _compares(metric) and reference is None:
        return "it compares with a reference set; pass --reference, a folder or an exported file."
    reasons = [_not_asked(name, metric, benchmark, prompt) for prompt in prompts]
    if reasons and all(reasons):
        return f"No prompt of the benchmark fits: {reasons[0]}"
    return ""


def _reference_side(
    reference: Pairing | Path | None, plan: Plan, workers: int, counts: ExtractCounts, progress: Progress | None
) -> Side | None:
    if reference is None:
        return None
    if isinstance(reference, Path):
        outcomes, _ = read_reference(reference, _compared(plan.metrics))
        return Side({}, {outcome.clip: outcome for outcome in outcomes})
    sets = {name: m for name, m in plan.metrics.items() if _compares(m)}
    return _judge_side(reference, replace(plan, metrics=sets), workers, counts, progress, "reference")


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


def _results(request: Request, side: Side, reference: Side | None) -> list[Result]:
    """One result per metric in the order asked for; totals are worked out from the others."""
    found = {
        name: _result(name, metric, request, side, reference)
        for name, metric in request.metrics.items()
        if not isinstance(metric, Total)
    }
    for name, metric in request.metrics.items():
        if isinstance(metric, Total):
            found[name] = _total(name, metric, found, request)
    return [found[name] for name in request.metrics]


def _total(name: str, metric: Total, found: Mapping[str, Result], request: Request) -> Result:
    """A total's N is the smallest of its parts'; a part that did not run counts as None."""
    parts = [found[part] for part in metric.parts if part in found]
    weakest = min((part.n for part in parts), key=lambda n: n.scored)
    base, _, protocol = name.partition("@")
    values = {part: found[part].value if part in found else None for part in metric.parts}
    value, reason, kind, beside = None, "", "", Uncertainty()
    try:
        with blamed_on(f"The metric {name} broke"):
            value = float(metric.score(values))
            there = {part: found[part] for part in metric.parts if part in found}
            beside = total_uncertainty(metric, value, there, [p.cluster or p.id for p in _asked(request)])
            request.gaps[name] = beside.gaps
    except Unscorable as error:
        reason, kind = error.reason, error.kind
    behind = tuple(dict.fromkeys(weight for part in parts for weight in part.weights))
    return Result(
        metric=base, protocol=protocol, title=metric.card.title, value=value, interval=beside.interval, n=weakest,
        unit=metric.card.unit,
        better=metric.card.better, identity=identity(metric, "\n".join(part.identity for part in parts)), kind="total",
        reason=reason, reason_kind=kind, weights=behind, replicates=beside.replicates,
    )  # fmt: skip


def _result(name: str, metric: Metric, request: Request, side: Side, reference: Side | None) -> Result:
    base, _, protocol = name.partition("@")
    common: dict[str, Any] = {
        "metric": base,
        "protocol": protocol,
        "title": metric.card.title,
        "unit": metric.card.unit,
        "better": metric.card.better,
        "weights": tuple(_weights(checkpoint) for checkpoint in metric.checkpoints),
        "libraries": libraries.versions(name for feature in metric.uses for name in feature.libraries),
    }
    if isinstance(metric, ClipMetric):
        return Result(**common, identity=identity(metric), **_clip_result(name, metric, request, side))
    assert isinstance(metric, SetMetric)
    against = reference.digest() if reference is not None and metric.needs_reference else ""
    return Result(
        **common,
        kind="set",
        identity=identity(metric, against),
        reference=against,
        **_set_result(name, metric, request, side, reference),
    )


def _weights(name: str) -> Weights:
    """What a column says of a checkpoint behind it."""
    if weights.stands_in(name):
        return Weights(name, weights.STAND_IN, weights.STAND_IN)
    found = weights.state(name)
    return Weights(name, found.sha256, found.status)


def identity(metric: Metric, reference: str = "") -> str:
    """sha256 over all that must agree before two values may share a column."""
    parts = [f"{type(metric).__module__}.{metric!r}", str(metric.card.version), metric.card.protocol, reference]
    if isinstance(metric, ClipMetric) and (metric.averaged != CLIPS or metric.most_per_prompt):
        parts.append(f"{metric.averaged} {metric.most_per_prompt}")
    parts += [feature.identity() for feature in metric.uses]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _clip_result(name: str, metric: ClipMetric, request: Request, side: Side) -> dict[str, Any]:
    scores = [_in_scope(outcome.scores[name], name, request.benchmark, side) for outcome in side.outcomes.values()]
    rows, beyond = _counted(metric, [_clip_score(metric, s, side.clips[s.clip].prompt) for s in scores if s.value is not None])
    missing = _without_score(name, metric, request, side, [*scores, *beyond])
    skipped = sum(m.kind == "not_applicable" for m in missing)
    counts = Counts(len(rows) + len(missing), len(rows), len(missing) - skipped, skipped)
    bounds = _range(metric)
    facts: dict[str, Any] = {"n": counts, "missing": tuple(missing), "scores": tuple(rows), "value": None, "interval": None,
                             "bounds": score_bounds(metric), "averaged": metric.averaged}  # fmt: skip
    if not rows:
        return {**facts, "reason": "No clip could be scored"}
    raw = [row.value for row in rows]
    values = [abs(x) for x in raw] if metric.card.better == "zero" else raw
    weigh = weighing(rows)
    signed = {"signed_mean": weigh.mean(raw)} if metric.card.better == "zero" else {}
    with blamed_on(f"The metric {name} broke"):
        summaries = {**signed, **metric.summaries(raw, [row.details for row in rows])}
    interval = mean_interval(values, [row.cluster for row in rows], bounds, weighing=weigh)
    summaries |= _short(name, metric, request, rows)
    return {**facts, "value": weigh.mean(values), "interval": interval, "summaries": summaries}


def _range(metric: ClipMetric) -> tuple[float, float]:
    low, high = metric.card.range
    return (0.0, max(abs(low), abs(high))) if metric.card.better == "zero" else (low, high)


def score_bounds(metric: ClipMetric) -> tuple[float, float] | None:
    """The least and greatest score (its size where ``better`` is ``zero``) that a clip can have; None where there is no bound."""
    bounds = _range(metric)
    return bounds if np.isfinite(bounds).all() else None


def _with_clusters(missing: Sequence[Missing], request: Request) -> list[Missing]:
    clusters = {prompt.id: prompt.cluster for prompt in request.prompts}
    return [replace(m, cluster=clusters.get(m.clip) or m.clip) for m in missing]


def _clip_score(metric: ClipMetric, score: Score, prompt: Prompt) -> ClipScore:
    assert score.value is not None
    weight = 1.0 if metric.averaged in (CLIPS, CATEGORIES) else score.details[metric.averaged]
    return ClipScore(score.clip, prompt.cluster or prompt.id, score.value, score.details, weight, _group(metric, prompt))


def _group(metric: ClipMetric, prompt: Prompt) -> str:
    """The group in whose mean a clip counts; "" is one group for all, or that of the prompts without a category."""
    return "".join(prompt.categories[:1]) if metric.averaged == CATEGORIES else ""


def _counted(metric: ClipMetric, rows: list[ClipScore]) -> tuple[list[ClipScore], list[Score]]:
    """The scores that count, and those beyond the first few of their prompt as not applicable."""
    most = metric.most_per_prompt
    taken: Counter[str] = Counter()
    beyond: dict[str, Score] = {}
    for row in sorted(rows, key=lambda row: row.clip) if most else ():
        taken[row.cluster] += 1
        if taken[row.cluster] > most:
            reason = f"The metric takes the first {most} clips of a prompt that have a score."
            beyond[row.clip] = Score(row.clip, None, "not_applicable", reason)
    return [row for row in rows if row.clip not in beyond], list(beyond.values())


def _short(name: str, metric: ClipMetric, request: Request, rows: Sequence[ClipScore]) -> dict[str, float]:
    """How many of the prompts that were asked lack clips that count."""
    most = metric.most_per_prompt
    if not most:
        return {}
    asked = [prompt for prompt in _asked(request) if not _not_asked(name, metric, request.benchmark, prompt)]
    counts = Counter(row.cluster for row in rows)
    return {f"prompts_under_{most}": float(sum(counts[cluster] < most for cluster in {p.cluster or p.id for p in asked}))}


def _without_score(name: str, metric: ClipMetric, request: Request, side: Side, scores: Sequence[Score]) -> list[Missing]:
    """Why each clip without a score has none, those that are not there included."""
    prompts = {prompt.id: prompt for prompt in request.prompts}
    missing = [Missing(s.clip, s.kind, s.reason) for s in scores if s.value is None]
    for gap in side.missing:
        lack = _not_asked(name, metric, request.benchmark, prompts[gap.clip]) if gap.clip in prompts else ""
        missing.append(Missing(gap.clip, "not_applicable", lack) if lack else gap)
    asked = [prompts.get(m.clip) or side.prompt(m.clip) for m in missing]
    return [replace(m, cluster=p.cluster or m.clip, group=_group(metric, p)) for m, p in zip(missing, asked, strict=True)]


def _set_result(name: str, metric: SetMetric, request: Request, side: Side, reference: Side | None) -> dict[str, Any]:
    generated, missing = _usable(metric, side, lambda prompt: request.benchmark.out_of_scope(name, prompt))
    skipped = sum(m.kind == "not_applicable" for m in missing)
    others = _usable(metric, reference)[0] if reference is not None and metric.needs_reference else []
    counts = Counts(len(generated) + len(missing), len(generated), len(missing) - skipped, skipped)
    facts: dict[str, Any] = {"n": counts, "missing": tuple(_with_clusters(missing, request)), "value": None, "interval": None}
    smaller = min(len(generated), len(others)) if metric.needs_reference else len(generated)
    if smaller < metric.minimum:
        return {**facts, "reason_kind": "too_few", "reason": f"a set needs {metric.minimum} clips; {len(generated)} generated and "
                f"{len(others)} reference clips are usable"}  # fmt: skip
    if other := _other_width(metric, generated, others):
        return {**facts, "reason_kind": "failed", "reason": other}
    try:
        with blamed_on(f"The metric {name} broke"):
            value = float(metric.score(generated, others))
            further = metric.summaries(generated, others)
    except Unscorable as error:
        return {**facts, "reason": error.reason, "reason_kind": error.kind}
    low, high = metric.card.range
    if not low <= value <= high:
        return {**facts, "reason": f"The distance came out as {value}, outside its range [{low}, {high}].", "reason_kind": "failed"}
    summaries = {"reference_clips": float(len(others))} if metric.needs_reference else {}
    if reference is not None and metric.needs_reference and (copies := len(_copies(side, reference) & {s.id for s in generated})):
        summaries["clips_in_reference"] = float(copies)
    with blamed_on(f"The metric {name} broke"):
        beside = uncertainty(metric, value, generated, others, [p.cluster or p.id for p in _asked(request)])
    request.gaps[name] = beside.gaps
    summaries = {**summaries, **further, **beside.summaries}
    return {**facts, "value": value, "interval": beside.interval, "replicates": beside.replicates, "summaries": summaries}


def _copies(side: Side, reference: Side) -> set[str]:
    """Ids of the clips whose very file stands in the reference set."""
    known = {outcome.digest for outcome in reference.outcomes.values()} - {""}
    return {i for i, outcome in side.outcomes.items() if outcome.digest in known}


def _other_width(metric: SetMetric, generated: Sequence[Sample], others: Sequence[Sample]) -> str:
    """Says where a reference set's arrays are no counterparts of the clips'."""
    for feature in metric.uses if others else ():
        ours, theirs = generated[0][feature].shape[1:], others[0][feature].shape[1:]
        if ours != theirs:
            return f"a row of {feature!r} has {list(theirs)} numbers in the reference set and {list(ours)} in a clip"
    return ""


def _usable(
    metric: SetMetric, side: Side, out_of_scope: Callable[[Prompt], str] = lambda prompt: ""
) -> tuple[list[Sample], list[Missing]]:
    samples: list[Sample] = []
    missing = list(side.missing)
    for i, outcome in side.outcomes.items():
        if reason := out_of_scope(side.prompt(i)):
            missing.append(Missing(i, "not_applicable", reason))
            continue
        error = next((e for f in metric.uses if isinstance(e := outcome.kept[f], Unscorable)), None)
        if error is None:
            samples.append(Sample(i, side.prompt(i), outcome.kept))
        else:  # a set metric has no clip to which its question does not apply: its N falls short
            missing.append(Missing(i, "failed" if error.kind == "not_applicable" else error.kind, error.reason))
    return samples, missing


def _asked(request: Request) -> list[Prompt]:
    """The prompts behind the report's digest: all, or those whose clips exist."""
    answered = {clip.id: clip.prompt for clip in request.pairing.clips}
    asked = {prompt.id: prompt for prompt in request.prompts}
    unclear = [asked.get(i, Prompt(i)) for i, _, _ in request.pairing.missing]  # there, but not to be told apart
    prompts = [*answered.values(), *unclear]
    return request.prompts if not request.pairing.limited and not request.benchmark.open_set else prompts


def facts(request: Request) -> BenchmarkFacts:
    """What a report says of the questions that were asked."""
    prompts = _asked(request)
    limited = request.pairing.limited
    return BenchmarkFacts(
        name=request.name,
        version=request.benchmark.version,
        title=request.benchmark.title,
        prompts_sha256=prompt_digest(prompts),
        prompts=len(prompts),
        prompts_in_benchmark=request.pairing.whole,
        limited_to_present=limited,
        limit=len(request.prompts) if len(request.prompts) < request.pairing.whole else None,
    )


def _clip_facts(clip: Clip, digest: str) -> dict[str, str]:
    """Where the clip is, its sha256 and what was asked of it."""
    asked = {"prompt": clip.prompt.text, "audio_prompt": clip.prompt.audio_text, "speech": " | ".join(clip.prompt.speech)}
    return {"path": printable(str(clip.path)), "sha256": digest, **{key: printable(text) for key, text in asked.items() if text}}


def _notes(metrics: Mapping[str, Metric], side: Side, reference: Side | None) -> list[str]:
    notes: list[str] = []
    by_digest: dict[str, list[str]] = {}
    for outcome in side.outcomes.values():
        if outcome.digest:
            by_digest.setdefault(outcome.digest, []).append(outcome.clip)
    notes += [f"These clips are the same file, byte for byte: {', '.join(ids)}." for ids in by_digest.values() if len(ids) > 1]
    unverified = {w.name for m in metrics.values() for w in map(_weights, m.checkpoints) if w.status == "unverified"}
    notes += [f"The weights {name} are unverified: no digest of the official file is published." for name in sorted(unverified)]
    if any(weights.stands_in(name) for m in metrics.values() for name in m.checkpoints):
        notes.append("Columns marked 'stand-in' come from untrained networks: they show that everything runs and mean nothing.")
    if reference is not None:
        shared = set(by_digest) & {o.digest for o in reference.outcomes.values()}
        if shared:
            notes.append(f"{len(shared)} clips also stand in the reference set; a distance to it flatters them.")
        broken = [i for i, o in reference.outcomes.items() if any(isinstance(v, Unscorable) for v in o.kept.values())]
        if broken or reference.missing:
            count = len(broken) + len(reference.missing)
            notes.append(f"{count} reference clips could not be used: {', '.join(broken[:5])}.")
    return notes


def _origin(reference: Pairing | Path | None) -> list[str]:
    """What a report must say of features that avbench did not compute."""
    origin = reference_header(reference).origin if isinstance(reference, Path) else ""
    return [f"The reference set was {origin}; whether a clip also stands in it cannot be told."] if origin else []


STACK = ("avbench", "numpy", "scipy", "av", "soxr", "opencv-python-headless", "torch")


def provenance(metrics: Iterable[Metric] = ()) -> dict[str, Any]:
    """Versions (of the libraries that metrics use too) and machine."""
    used = list(metrics)
    behind = {name for metric in used for feature in metric.uses for name in feature.libraries}
    behind |= libraries.distributions_of({package for metric in used for package in metric.card.packages})
    packages = libraries.versions({*STACK, *behind})
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "versions": packages,
        "decoder": decoder_identity(),
    }
