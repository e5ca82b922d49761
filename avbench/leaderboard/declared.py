"""Whether a result says of itself what its metric's card says, and whether its value follows from its scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from avbench import catalog
from avbench.benchmark import Benchmark, prompt_digest
from avbench.clip import Prompt
from avbench.consistency import contradiction
from avbench.errors import AvbenchError
from avbench.judge import lacks
from avbench.leaderboard.floors import role_of
from avbench.metric import ClipMetric, Metric, SetMetric
from avbench.report import Report, Result
from avbench.runner import score_bounds

SILENT = 0.25  # of the prompts that ask for it: share of clips to which a metric may not apply without another reason
CLOSE = 1e-9  # relative; a value is worked out of the very scores in the report


def doubts(result: Result, report: Report, others: Sequence[Report] = ()) -> Iterator[str]:
    """Every contradiction in words; nothing of a metric that is not known here, which is refused for that.

    Args:
        others: further reports of the board, which show what can be answered.
    """
    if reason := contradiction(result):
        yield f"{reason}."
        return
    try:
        metric: Metric = catalog.load("metric", result.name if result.protocol != "default" else result.metric)
    except AvbenchError:
        return
    yield from _card(metric, result)
    yield from _value(metric, result)
    strangers = [s.clip for s in result.scores if s.clip not in report.clips]
    if strangers:
        yield f"{len(strangers)} scores are of clips that the report does not list: {', '.join(strangers[:3])}."
    if isinstance(metric, ClipMetric):
        yield from _silence(metric, result, report, others)


def _card(metric: Metric, result: Result) -> Iterator[str]:
    card = metric.card
    wanted: dict[str, object] = {"title": card.title, "unit": card.unit, "better": card.better, "kind": _kind(metric)}
    if isinstance(metric, ClipMetric):
        wanted |= {"bounds": score_bounds(metric), "averaged": metric.averaged}
    for name, here in wanted.items():
        if getattr(result, name) != here:
            yield f"its {name} is {getattr(result, name)!r}, the metric's is {here!r}."


def _kind(metric: Metric) -> str:
    return "clip" if isinstance(metric, ClipMetric) else "set" if isinstance(metric, SetMetric) else "total"


def _value(metric: Metric, result: Result) -> Iterator[str]:
    """The value of clips is worked out again; of a distance only its range and its interval can be looked at."""
    if result.value is None:
        return
    if result.scores and not math.isclose(result.value, mean := result.mean(result.scores), rel_tol=CLOSE, abs_tol=1e-12):
        yield f"its value is {result.value:.6g}, its scores give {mean:.6g}."
    low, high = metric.card.range
    if result.kind != "clip" and not low <= result.value <= high:
        yield f"its value {result.value:.6g} lies outside the metric's range {low:g} ... {high:g}."
    reach = result.interval
    slack = 1e-9 * max(1.0, abs(result.value))
    if reach is not None and not reach.low - slack <= result.value <= reach.high + slack:
        yield f"its value {result.value:.6g} lies outside its own interval {reach.low:.6g} ... {reach.high:.6g}."
    if reach is not None and reach.level != 0.95:
        yield f"its interval is of {reach.level:.0%}, a board's are of 95%."


def _silence(metric: ClipMetric, result: Result, report: Report, others: Sequence[Report]) -> Iterator[str]:
    """A model that answers only where it is good: too many clips to which the metric would not apply, without a reason for it.

    The prompts are a reason (they ask for no speech), and that no other model of the board has an answer either. Floors and
    ceilings, which are known by name and never models, need none.
    """
    if role_of(report) in ("floor", "ceiling") and report.model in catalog.entries("model"):
        return
    gaps = [gap.clip for gap in result.missing if gap.kind == "not_applicable"]
    prompts = _known_prompts(report)
    words = {gap.clip: gap.reason for gap in result.missing}
    answered = {s.clip for other in others for r in other.metrics if r.name == result.name for s in r.scores}
    asked_nothing = {clip for clip in gaps if _asks_nothing(metric, result, report, clip, words[clip], prompts)}
    silent = [clip for clip in gaps if clip not in asked_nothing and (not answered or clip in answered)]
    fair = result.n.expected - len(asked_nothing)
    if len(silent) > SILENT * fair:
        yield (f"{len(silent)} of {fair} clips are declared not applicable; without a reason in the prompts at most {SILENT:.0%} "
               "may be, where no other report of the board (--board) shows that they cannot be answered.")  # fmt: skip


def _known_prompts(report: Report) -> dict[str, Prompt]:
    """The prompts by id where the benchmark brings the ones that the report answers; else none."""
    benchmark: Benchmark = catalog.load("benchmark", report.benchmark.name)
    if benchmark.prompts_needed or benchmark.open_set:
        return {}
    prompts = benchmark.prompts(None)
    return {p.id: p for p in prompts} if prompt_digest(prompts) == report.benchmark.prompts_sha256 else {}


def _asks_nothing(metric: ClipMetric, result: Result, report: Report, clip: str, reason: str, prompts: dict[str, Prompt]) -> bool:
    """Whether the prompt gives the metric nothing to judge.

    Prompts that are not at hand are judged by the reason given, if the metric or the benchmark has such a reason at all and the
    words to speak that the report itself lists do not speak against it.
    """
    benchmark: Benchmark = catalog.load("benchmark", report.benchmark.name)
    if clip in prompts:
        return bool(lacks(metric, prompts[clip]) or benchmark.out_of_scope(result.name, prompts[clip]))
    if reason.startswith(f"{benchmark.title} asks {result.name} of "):
        return result.name in dict(benchmark.scopes)
    if metric.most_per_prompt and reason.startswith(f"The metric takes the first {metric.most_per_prompt} clips"):
        return True
    spoken = "speech" in metric.card.needs and bool(report.clips.get(clip, {}).get("speech"))
    return bool(metric.card.needs) and reason.startswith("The prompt has no ") and not spoken
